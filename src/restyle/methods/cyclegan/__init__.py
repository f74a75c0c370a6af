"""CycleGAN: network, method and training. Floor 4."""
