"""Files: the only room that opens them."""
