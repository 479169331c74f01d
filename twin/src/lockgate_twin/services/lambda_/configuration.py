"""A function's configuration: what a caller may set, what the twin refuses, and how it is shown.

Source: botocore's CreateFunction, UpdateFunctionConfiguration and FunctionConfiguration; defaults and reserved
variables from the Lambda Developer Guide, "Configure Lambda function timeout" and "Working with Lambda
environment variables".

Assumption: a function is Active and an update Successful at once; AWS shows Pending for some seconds.
Memory size, ephemeral storage and architecture are shown but do not limit the local process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lockgate_twin.errors import NotImplementedByTwin
from lockgate_twin.services.lambda_.code import invalid
from lockgate_twin.services.lambda_.model import Function

_SETTABLE = (
    "Role", "Handler", "Runtime", "Description", "Timeout", "MemorySize", "Environment", "DeadLetterConfig",
    "KMSKeyArn", "TracingConfig", "EphemeralStorage", "LoggingConfig", "Architectures",
)  # fmt: skip
_REFUSED = (
    "Layers", "FileSystemConfigs", "ImageConfig", "CodeSigningConfigArn", "TenancyConfig", "DurableConfig",
    "CapacityProviderConfig", "PublishTo", "AcceleratorConfig", "RuntimeConfig",
)  # fmt: skip
_RESERVED = frozenset({
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
})  # fmt: skip
_MAX_VARIABLES_BYTES = 4096
_PYTHON = re.compile(r"python3\.\d+")


def settings_of(parameters: Mapping[str, Any], name: str, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings after a request; `before` is empty for a new function.

    Raises:
        ApiError: InvalidParameterValueException for what AWS refuses, NotImplemented for what the twin cannot do.
    """
    _refuse(parameters)
    changed = {key: parameters[key] for key in _SETTABLE if key in parameters}
    settings = {**_defaults(), **before, **changed}
    settings["LoggingConfig"] = {
        "LogFormat": "Text",
        "LogGroup": f"/aws/lambda/{name}",
        **(settings.get("LoggingConfig") or {}),
    }
    _require_python(settings)
    _check_variables(variables(settings))
    return settings


def variables(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment variables of a function."""
    return dict((settings.get("Environment") or {}).get("Variables") or {})


def view(function: Function) -> dict[str, Any]:
    """Return the members of FunctionConfiguration."""
    settings = function.settings
    shown = {
        "FunctionName": function.name,
        "FunctionArn": function.arn,
        "CodeSize": function.code.size,
        "CodeSha256": function.code.sha256,
        "LastModified": function.modified.strftime("%Y-%m-%dT%H:%M:%S.") + f"{_milliseconds(function)}+0000",
        "RevisionId": function.revision_id,
        "Version": "$LATEST",
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        **{key: settings[key] for key in _SETTABLE if settings.get(key) is not None},
    }
    if not variables(settings):
        shown.pop("Environment", None)
    return shown


def _milliseconds(function: Function) -> str:
    return f"{function.modified.microsecond // 1000:03d}"


def _defaults() -> dict[str, Any]:
    return {
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "TracingConfig": {"Mode": "PassThrough"},
        "EphemeralStorage": {"Size": 512},
        "Architectures": ["x86_64"],
    }


def _refuse(parameters: Mapping[str, Any]) -> None:
    given = [name for name in _REFUSED if parameters.get(name)]
    if parameters.get("PackageType", "Zip") != "Zip":
        given.append("PackageType Image")
    if parameters.get("Publish"):
        given.append("Publish")
    if (parameters.get("SnapStart") or {}).get("ApplyOn", "None") != "None":
        given.append("SnapStart")
    if any((parameters.get("VpcConfig") or {}).get(k) for k in ("SubnetIds", "SecurityGroupIds")):
        given.append("VpcConfig")
    if given:
        raise NotImplementedByTwin(f"{', '.join(given)} of a Lambda function")


def _require_python(settings: Mapping[str, Any]) -> None:
    runtime, handler = settings.get("Runtime"), settings.get("Handler")
    if not runtime or not handler:
        raise invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
    if not _PYTHON.fullmatch(runtime):
        raise NotImplementedByTwin(f"The Lambda runtime {runtime}")


def _check_variables(given: Mapping[str, str]) -> None:
    if reserved := sorted(_RESERVED.intersection(given)):
        message = (
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. "
        )
        raise invalid(f"{message}Reserved keys used in this request: {', '.join(reserved)}")
    if sum(len(k.encode()) + len(v.encode()) for k, v in given.items()) > _MAX_VARIABLES_BYTES:
        message = "Lambda was unable to configure your environment variables because the environment variables you "
        raise invalid(f"{message}have provided exceeded the 4KB limit.")
