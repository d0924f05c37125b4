"""Constraints: what holds in every row of a table, beyond what each column holds by itself.

Each kind has one module, with its description, its detection, its encoding, and the arithmetic of its decoding.
"""
