"""What several verbs need: inputs, outputs, settings, processes. Floor 6."""
