"""Genre classifiers: networks, inference and training. Floor 3."""
