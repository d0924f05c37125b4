"""What holds in every row of a table, beyond what each column holds by itself."""
