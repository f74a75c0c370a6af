"""Stages around a method: tempo and tone. Floor 4."""
