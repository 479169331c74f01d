"""HTML and SVG as values: text is escaped unless it already is markup, so that no name in the evidence can inject."""

from __future__ import annotations

import html
import re

# What a page must not carry: control characters, marks that reorder text on the screen, and what UTF-8 cannot hold.
_UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_VOID = frozenset({"meta", "br", "hr", "col"})

Attribute = str | float | bool | None


class Markup(str):
    """Text that is already HTML; only this module's functions make it."""

    __slots__ = ()


def escape(text: str) -> Markup:
    """Return the text as HTML that shows exactly it, with characters that would deceive the reader made visible."""
    if isinstance(text, Markup):
        return text
    return Markup(html.escape(_UNSHOWABLE.sub("\ufffd", text), quote=True))


def element(name: str, /, *children: str, **attributes: Attribute) -> Markup:
    """Return an element; `class_` becomes class, `stroke_width` stroke-width, and None or False leaves one out."""
    opening = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{opening}>")
    return Markup(f"<{name}{opening}>{join(*children)}</{name}>")


def join(*parts: str) -> Markup:
    """Return the parts one after another, escaping those that are plain text."""
    return Markup("".join(escape(part) for part in parts))


def shorten(text: str, length: int) -> str:
    """Return the text, its end replaced by an ellipsis where it is longer than so many characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _attribute(key: str, value: Attribute) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    if value is True:
        return f" {name}"
    text = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f' {name}="{escape(text)}"'
