"""Trials: one split of a comparison, on which one classifier is trained in every arm."""
