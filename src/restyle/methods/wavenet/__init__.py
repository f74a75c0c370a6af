"""The WaveNet methods: networks, generation and training. Floor 4."""
