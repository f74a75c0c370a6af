"""The WaveNet methods: networks, generation and training."""
