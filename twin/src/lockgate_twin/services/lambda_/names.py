"""Function names and ARNs, in every form the API takes them (botocore: FunctionName, NamespacedFunctionName)."""

from __future__ import annotations

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call

LATEST = "$LATEST"
Key = tuple[str, str, str]


def function_key(name_or_arn: str, call: Call, qualifier: str | None = None) -> Key:
    """Return (account, region, name) of a function given by name, partial ARN or ARN.

    Raises:
        ApiError: ResourceNotFoundException for a version or alias; the twin has only $LATEST.
    """
    account, region, rest = call.account, call.region, name_or_arn
    if rest.startswith("arn:"):
        region, account, rest = rest.split(":", 5)[3:6]
    elif ":function:" in rest:
        account, _, rest = rest.split(":", 2)
        rest = f"function:{rest}"
    name, _, version = rest.removeprefix("function:").partition(":")
    if (version or qualifier or LATEST) != LATEST:
        raise not_found(f"{function_arn((account, region, name))}:{version or qualifier}")
    return account, region, name


def function_arn(key: Key) -> str:
    """Return a function's ARN."""
    account, region, name = key
    return f"arn:aws:lambda:{region}:{account}:function:{name}"


def key_of(arn: str) -> Key:
    """Return (account, region, name) of a function's ARN, with or without a qualifier."""
    parts = arn.split(":")
    return parts[4], parts[3], parts[6]


def not_found(arn: str) -> ApiError:
    """Return Lambda's error for a function that does not exist."""
    return ApiError("ResourceNotFoundException", f"Function not found: {arn}", 404)
