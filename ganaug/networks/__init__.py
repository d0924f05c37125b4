"""The modules that learn: torch only, and no knowledge of files, budgets or losses."""
