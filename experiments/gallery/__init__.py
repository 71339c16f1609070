"""The experiments, one claim a file."""
