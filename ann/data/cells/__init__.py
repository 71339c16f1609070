"""What one cell of a table says: words for "missing", numbers and dates in all their spellings."""
