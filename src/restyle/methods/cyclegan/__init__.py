"""CycleGAN: network, method and training."""
