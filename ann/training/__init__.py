"""Training: the loop over batches, its hooks, and other ways to the minimum."""
