"""The timbre embedding: network, inference and training. Floor 3."""
