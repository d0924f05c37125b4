"""The command line as ``python -m ganaug``."""

from ganaug.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
