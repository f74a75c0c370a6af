"""``python -m restyle`` is the command line."""

from restyle.cli import main

if __name__ == "__main__":
    main()
