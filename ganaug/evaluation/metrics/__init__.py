"""The metrics of an evaluation: one module each."""
