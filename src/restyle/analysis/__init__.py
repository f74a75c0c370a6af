"""Facts from sound: notes, partials, beats, parts."""
