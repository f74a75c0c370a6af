"""The command line: arguments to commands, errors to one sentence. Floor 7.

Heavy imports happen inside the functions, so that ``restyle --help`` answers at once.
"""

from restyle.cli.running import main

__all__ = ["main"]
