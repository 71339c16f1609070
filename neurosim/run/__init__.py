"""From a description to a recording: `simulate` and what it returns."""
