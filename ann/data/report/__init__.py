"""What is in a table, as numbers, figures and a page."""
