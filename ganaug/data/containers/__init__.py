"""The containers that users hold their data in: new rows and images take the form of the real ones."""
