"""A genre classifier of notes: what it sees, network, inference and training. Floor 3."""
