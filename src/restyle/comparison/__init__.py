"""Methods compared: a table of scores, its statistics, and ratings of listeners. Floor 6."""
