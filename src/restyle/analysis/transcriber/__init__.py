"""The transcriber: network, inference and training."""
