"""Signal processing: transforms beside their inverses, long sound in blocks. Floor 2."""
