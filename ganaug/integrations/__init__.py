"""The faces of ganaug in other people's libraries."""
