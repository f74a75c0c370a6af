"""Data sets, rendering and stores. Floor 3."""
