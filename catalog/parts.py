"""The stacks beside the hub's: what examines and decides, and what watches. Each is a template and shares the code.

A template is deployed as the stack sagemaker-lockgate-<part>, with the hub's values as the defaults of its parameters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from catalog.cloud_archives import CodeArchive
from catalog.errors import ConfigurationError

LONGEST = 51_200
"""Bytes that CreateStack takes as TemplateBody (CloudFormation quotas)."""

_CODE = ("FunctionsKey", "JobsKey", "PolicyKey")
SETTINGS: Mapping[str, tuple[str, ...]] = {
    "approval": ("HubBucketName", "LogBucketName", "KmsKeyArn", *_CODE),
    "watch": ("HubBucketName", "KmsKeyArn", *_CODE),
}
"""The parts in the order of their creation, with the parameters whose default in the file is `set-at-publish`."""

_PLACE = re.compile(r"^(?P<head>  (?P<name>\w+):\n    Type: String\n    Default: )set-at-publish$", re.MULTILINE)
_COMMENT = re.compile(r"^ *#.*\n", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the stacks are made of: a template by part, the code that they run, and the organization's policy."""

    templates: Mapping[str, str]
    functions: CodeArchive
    jobs: CodeArchive
    policy: CodeArchive


def stack_name(part: str) -> str:
    """Return the name of a part's stack."""
    return f"sagemaker-lockgate-{part}"


def part_mistakes(part: str, template: str) -> list[str]:
    """Return one sentence for each parameter that the template does not leave open exactly once."""
    found, settings = [match["name"] for match in _PLACE.finditer(template)], SETTINGS[part]
    return [
        f"catalog/{part}.yaml: the parameter {name} is left open {found.count(name)} times; expected is "
        f"{settings.count(name)}."
        for name in sorted({*found, *settings})
        if found.count(name) != settings.count(name)
    ]


def render_parts(parts: Parts, hub: Mapping[str, str]) -> dict[str, str]:
    """Return the templates by stack, in the order of creation, without comment lines and with a hub's values.

    Raises:
        ConfigurationError: one does not leave exactly the known parameters open, or is too long for CloudFormation.
    """
    keys = {"FunctionsKey": parts.functions.key, "JobsKey": parts.jobs.key, "PolicyKey": parts.policy.key}
    return {stack_name(part): _rendered(part, parts.templates[part], {**hub, **keys}) for part in SETTINGS}


def _rendered(part: str, template: str, values: Mapping[str, str]) -> str:
    bare = _COMMENT.sub("", template)
    if mistakes := part_mistakes(part, bare):
        raise ConfigurationError(mistakes)
    rendered = _PLACE.sub(lambda match: f'{match["head"]}"{values[match["name"]]}"', bare)
    if (size := len(rendered.encode())) > LONGEST:
        raise ConfigurationError([f"catalog/{part}.yaml has {size} bytes; CloudFormation takes {LONGEST}. Shorten it."])
    return rendered
