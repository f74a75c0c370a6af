"""DRAW, the recurrent VAE: network, method and training. Floor 4."""
