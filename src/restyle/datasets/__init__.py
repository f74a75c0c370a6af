"""Data sets, one file each; every one yields `Clip`. Floor 3."""
