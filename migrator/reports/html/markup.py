"""HTML by functions: what is not markup already is escaped, whatever it says.

Pure. Characters that HTML cannot hold are shown as U+FFFD.
"""

from __future__ import annotations

import html

from migrator.reports.characters import visible

_VOID = frozenset({"meta", "br", "hr", "wbr"})

_EMPTY_SVG = frozenset({"rect", "line", "circle", "path"})


class Markup(str):
    """Text that is HTML."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Return a value as HTML that shows it."""
    if isinstance(value, Markup):
        return value
    return Markup(html.escape(visible(str(value)), quote=True))


def element(name: str, *children: object, **attributes: object) -> Markup:
    """Return an element; `class_` is the attribute `class`, and `view_box` would be `view-box`.

    An attribute that is None or False is left out, one that is True has no value.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    inside = joined(*children)
    if name in _EMPTY_SVG and not inside:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{inside}</{name}>")


def joined(*children: object) -> Markup:
    """Return what stands one after the other; None is nothing."""
    return Markup("".join(text(child) for child in children if child is not None))


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = _CASED.get(key, key.rstrip("_").replace("_", "-"))
    return f" {name}" if value is True else f' {name}="{text(_short(value))}"'


def _short(value: object) -> object:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value


_CASED = {"view_box": "viewBox", "aspect": "preserveAspectRatio"}
"""Attributes of SVG that are not in lower case."""
