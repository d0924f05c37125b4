"""The command line as ``python -m ganaug``."""

from ganaug.cli import main

if __name__ == "__main__":
    main()
