"""What axons end on: terminals."""
