"""Note-wise resynthesis: `notes` and `note_synth`. Floor 4."""
