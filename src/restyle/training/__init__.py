"""How models are trained. Floor 3."""

from restyle.errors import require

require("train", "lightning", "tensorboard", "yaml", what="training")
