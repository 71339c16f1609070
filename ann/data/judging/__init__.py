"""Do the data support a model? Splits, chance, leakage, duplicates, and the verdict."""
