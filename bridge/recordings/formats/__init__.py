"""Recordings as they are stored: one reader a file format."""
