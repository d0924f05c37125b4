"""Conversion between files, DataFrames or arrays and the input of networks. This package imports no torch."""
