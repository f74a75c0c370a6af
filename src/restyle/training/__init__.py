"""How models are taught; file names as in `models/`."""
