"""How models are trained."""

from restyle.errors import require

require("train", "lightning", "tensorboard", "yaml", what="training")
