"""The WaveNet methods: networks, generation and training. Floor 4."""

from restyle.moved import attributes

__getattr__ = attributes(__name__)
