"""What a row of a sweep is: grids, what they vary, what is measured, which rows go together."""
