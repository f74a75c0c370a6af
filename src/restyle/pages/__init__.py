"""Pages and pictures: HTML and SVG with one set of templates."""

from restyle.errors import require

require("evaluate", "jinja2", "matplotlib", "PIL", what="drawing")
