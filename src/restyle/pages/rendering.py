"""Pages from their templates: one base with the style sheet, all text of users escaped. Floor 6."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(template: str, **values: Any) -> str:
    """Return a page as HTML that needs no network.

    Args:
        template: name of a file in ``templates/`` that extends ``base.html``.
        values: what it names; one that is missing is an error.

    Example:
        >>> page = render("demo.html", content="a", style="b", methods={}, mix=None)
        >>> page.startswith("<!doctype html>")
        True
    """
    environment = Environment(
        loader=PackageLoader("restyle.pages"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template(template).render(values)
