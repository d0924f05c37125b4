"""The command line as `python -m ganaug`, for whoever has no script of that name on the path."""

from ganaug.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
