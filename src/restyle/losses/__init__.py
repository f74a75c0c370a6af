"""What methods and training make small. Floor 3."""
