"""The command line: arguments to commands, errors to one sentence.

Heavy imports happen inside the functions, so that ``restyle --help`` answers at once.
"""

# the help lists the commands in the order of these lines
import restyle.cli.transfers  # isort: skip
import restyle.cli.judging  # isort: skip
import restyle.cli.teaching  # isort: skip
import restyle.cli.looking  # noqa: F401  # isort: skip
from restyle.cli.running import main

__all__ = ["main"]
