"""The project template as it is uploaded: the committed one with the hub's values in its mapping."""

from __future__ import annotations

import re
from collections.abc import Mapping

from catalog.errors import ConfigurationError

SETTINGS = (
    "HubBucketName",
    "LogBucketName",
    "KmsKeyArn",
    "ProjectBoundaryArn",
    "BuildSeedKey",
    "DeploySeedKey",
)
"""Keys of Mappings.Hub.Settings whose committed value is `set-at-publish`."""

_PLACE = re.compile(r"""^(?P<head> *(?P<key>\w+): *)(?P<quote>["']?)set-at-publish(?P=quote) *$""", re.MULTILINE)


def template_mistakes(template: str, name: str) -> list[str]:
    """Return one sentence for each setting of the hub that the template does not leave open exactly once."""
    found = [match["key"] for match in _PLACE.finditer(template)]
    return [
        f"{name}: '{key}: set-at-publish' stands there {found.count(key)} times; expected is once."
        for key in SETTINGS
        if found.count(key) != 1
    ] + [f"{name}: '{key}: set-at-publish' is no setting of the hub." for key in sorted(set(found) - set(SETTINGS))]


def fill_settings(template: str, settings: Mapping[str, str]) -> str:
    """Return the template with these values in Mappings.Hub.Settings, otherwise unchanged.

    Raises:
        ConfigurationError: the template does not leave exactly the known settings open.
    """
    if mistakes := template_mistakes(template, "The project template"):
        raise ConfigurationError(mistakes)
    return _PLACE.sub(lambda match: f'{match["head"]}"{settings[match["key"]]}"', template)
