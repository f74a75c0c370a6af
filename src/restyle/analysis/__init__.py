"""Facts from sound: notes, partials, beats, parts. Floor 3."""
