"""What experiments share: registry, results, style, timing and data."""
