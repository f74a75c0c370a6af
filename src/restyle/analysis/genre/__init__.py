"""Genre classifiers: networks, inference and training."""
