"""Losses, distortions and corrections, each a function with its paper named."""
