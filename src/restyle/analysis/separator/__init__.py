"""Vocals, drums, bass and the rest of a mix, by a trained network. Floor 3."""
