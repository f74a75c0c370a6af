"""Representations of sound and notes: modules with a `forward` and, where there is one, an `inverse`. Floor 2."""
