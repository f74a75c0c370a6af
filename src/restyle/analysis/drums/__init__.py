"""Drum transcription: network, inference and training. Floor 3."""
