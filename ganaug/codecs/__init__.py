"""Data <-> model arrays, with a JSON state: the part of every model that knows what the user's data looks like."""
