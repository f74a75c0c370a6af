"""Files: the only room that opens them. Floor 2."""
