"""The test suite. It is a package because some installed packages bring a top-level module `tests`."""
