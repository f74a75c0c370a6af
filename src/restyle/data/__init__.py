"""Data sets, rendering and stores."""
