"""What a CloudFormation action asks CloudFormation for, read from its configuration and its artifacts.

Source: "CloudFormation deploy action reference" (CodePipeline User Guide) and "Configuration properties reference" for
template configuration files (CloudFormation User Guide).
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from lockgate_twin.services.codepipeline.actions.request import ActionFailedError

ReadArtifact = Callable[[str], bytes]
_MEMBERS = {"Parameters", "Tags"}


def stack_request(configuration: Mapping[str, str], read: ReadArtifact) -> dict[str, Any]:
    """Return the members of a CreateStack or UpdateStack request.

    Raises:
        ActionFailedError: a file is missing or a setting is malformed.
    """
    if "TemplatePath" not in configuration:
        raise ActionFailedError("ConfigurationError", "TemplatePath is required to create or update a stack")
    settings = _template_configuration(configuration.get("TemplateConfiguration"), read)
    overrides = _object(configuration.get("ParameterOverrides", "{}"), "ParameterOverrides")
    parameters = {**settings.get("Parameters", {}), **overrides}
    wrong = [name for name, value in parameters.items() if not isinstance(value, str)]
    if wrong:
        raise ActionFailedError("ConfigurationError", f"The value of parameter {wrong[0]} must be text")
    capabilities = [c.strip() for c in configuration.get("Capabilities", "").split(",") if c.strip()]
    return {
        "StackName": configuration["StackName"],
        "TemplateBody": _file(configuration["TemplatePath"], read),
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        "Capabilities": capabilities,
        "RoleARN": configuration["RoleArn"],
        "Tags": [{"Key": key, "Value": value} for key, value in settings.get("Tags", {}).items()],
    }


def _template_configuration(path: str | None, read: ReadArtifact) -> dict[str, Any]:
    if path is None:
        return {}
    settings = _object(_file(path, read), f"The template configuration {path}")
    unknown = sorted(set(settings) - _MEMBERS)
    if unknown:
        message = f"{unknown[0]} in the template configuration {path} is not implemented by the twin"
        raise ActionFailedError("ConfigurationError", message)
    return settings


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ActionFailedError("ConfigurationError", f"{what} is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise ActionFailedError("ConfigurationError", f"{what} must be a JSON object")
    return value


def _file(path: str, read: ReadArtifact) -> str:
    artifact, _, name = path.partition("::")
    try:
        with zipfile.ZipFile(io.BytesIO(read(artifact))) as archive:
            return archive.read(name).decode()
    except KeyError:
        message = f"File [{name}] does not exist in artifact [{artifact}]"
        raise ActionFailedError("ConfigurationError", message) from None
    except (zipfile.BadZipFile, UnicodeDecodeError) as error:
        message = f"File [{name}] of artifact [{artifact}] cannot be read: {error}"
        raise ActionFailedError("ConfigurationError", message) from None
