"""The test suite; a package of its own, since some installed ones bring a module `tests` too."""
