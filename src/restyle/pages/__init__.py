"""Pages and pictures: HTML and SVG with one set of templates."""
