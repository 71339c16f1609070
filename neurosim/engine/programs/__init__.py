"""Programs: compiled once and kept, run as processes that stop when they are told to."""
