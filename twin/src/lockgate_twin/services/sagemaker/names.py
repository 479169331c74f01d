"""ARNs, names and ids as SageMaker spells them."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass

from lockgate_twin.ports import Call, Principal

ID_CHARACTERS = string.ascii_lowercase + string.digits
# Documented event examples spell these kinds' ARNs in lower case ("MyEndpoint" -> endpoint/myendpoint, the job in
# a pipeline step event); pipelines, model package groups and code repositories keep their case.
LOWER_CASE = frozenset({"endpoint", "endpoint-config", "model", "processing-job", "training-job", "transform-job"})


@dataclass(frozen=True)
class Place:
    """Where a resource lives."""

    account: str
    region: str

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN of a resource here."""
        shown = name.lower() if kind in LOWER_CASE else name
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{kind}/{shown}"


@dataclass(frozen=True)
class Named:
    """A place and a name in it."""

    place: Place
    name: str


def place(call: Call) -> Place:
    """Return where a call acts."""
    return Place(call.account, call.region)


def named(call: Call, name_or_arn: str) -> Named:
    """Return what a name, or an ARN of the same kind of resource, refers to."""
    if not name_or_arn.startswith("arn:"):
        return Named(place(call), name_or_arn)
    _, _, _, region, account, resource = name_or_arn.split(":", 5)
    return Named(Place(account, region), resource.partition("/")[2])


def random_id(length: int = 12) -> str:
    """Return an id as in execution ARNs: lower-case letters and digits."""
    return "".join(secrets.choice(ID_CHARACTERS) for _ in range(length))


def user_context(principal: Principal) -> dict[str, dict[str, str]]:
    """Return who acts (botocore shape UserContext); only its IAM identity is known here."""
    return {"IamIdentity": {"Arn": principal.arn}}
