"""The only room that opens files: sound, MIDI, weights. Floor 2."""
