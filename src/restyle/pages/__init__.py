"""Pages and pictures: HTML and SVG with one set of templates. Floor 6."""

from restyle.errors import require

require("evaluate", "jinja2", "matplotlib", "PIL", what="drawing")
