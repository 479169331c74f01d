"""The hub stack's template as it is deployed: catalog/hub.yaml with the router's source in it."""

from __future__ import annotations

import re
import textwrap

from catalog.errors import ConfigurationError

LONGEST = 51_200
"""Bytes that CreateStack takes as TemplateBody (CloudFormation quotas)."""

_CODE = re.compile(r"^(?P<indent> +)ZipFile: set-at-publish$", re.MULTILINE)
_COMMENT = re.compile(r"^ *#.*\n", re.MULTILINE)


def render_hub_template(template: str, router: str) -> str:
    """Return the template without its comment lines and with the router's source in place.

    Raises:
        ConfigurationError: there is not exactly one place for the router, or the result is too long for CloudFormation.
    """
    bare = _COMMENT.sub("", template)
    places = _CODE.findall(bare)
    if len(places) != 1:
        raise ConfigurationError(
            [f"catalog/hub.yaml has {len(places)} lines 'ZipFile: set-at-publish'; it needs exactly one."]
        )
    source = textwrap.indent(router.rstrip() + "\n", places[0] + "  ")
    rendered = _CODE.sub(lambda match: f"{match['indent']}ZipFile: |\n{source.rstrip()}", bare)
    if (size := len(rendered.encode())) > LONGEST:
        raise ConfigurationError(
            [f"The hub's template has {size} bytes; CloudFormation takes {LONGEST}. Shorten catalog/hub.yaml."]
        )
    return rendered
