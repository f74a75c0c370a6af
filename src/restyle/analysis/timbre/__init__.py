"""The timbre embedding: network, inference and training. Floor 3."""

from restyle.moved import attributes

__getattr__ = attributes(__name__)
