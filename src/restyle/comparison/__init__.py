"""Methods compared: a table of scores, its statistics, and the pages made of it. Floor 6."""
