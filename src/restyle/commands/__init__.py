"""The verbs of the command line, one file each: files in, files out. Floor 6."""
