"""What `neurosim convert` reads, compares and writes."""
