"""The transcriber: network, inference and training. Floor 3."""
