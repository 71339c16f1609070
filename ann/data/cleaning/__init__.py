"""Rules that clean a table: proposed from its columns, logged, replayed and undone."""
