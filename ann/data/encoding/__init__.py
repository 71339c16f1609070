"""From clean columns to arrays of numbers."""
