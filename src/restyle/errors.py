"""The one exception for what a user can get wrong. Floor 1: imports nothing."""


class RestyleError(Exception):
    """A mistake in input, options or surroundings, told in one sentence: what, where, what to do.

    The command line prints the sentence and exits with code 2; the Python API raises it.

    Example:
        >>> raise RestyleError("song.wav holds no samples: choose another file")
        Traceback (most recent call last):
        ...
        restyle.errors.RestyleError: song.wav holds no samples: choose another file
    """
