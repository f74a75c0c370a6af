"""What several verbs need: inputs, outputs, settings, processes."""
