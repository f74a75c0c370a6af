"""VAE-GAN: network, method and training. Floor 4."""
