"""The timbre embedding: network, inference and training."""
