"""VAE-GAN: network, method and training."""
