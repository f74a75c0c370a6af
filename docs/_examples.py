"""A Griffe extension for the API pages: the project's ``Example:`` is what Google style calls ``Examples:``."""

import re
from typing import Any

import griffe


class Examples(griffe.Extension):
    """Show the examples of docstrings as code."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rename the section of one object's docstring."""
        if obj.docstring:
            obj.docstring.value = re.sub(r"^(\s*)Example:$", r"\1Examples:", obj.docstring.value, flags=re.MULTILINE)
