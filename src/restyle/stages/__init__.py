"""Stages around a method: tempo and tone."""
