"""Data between files, DataFrames and arrays and the input of networks; this room imports no torch."""
