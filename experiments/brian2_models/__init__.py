"""Models after Brian2's own examples, written anew: what `from_brian2` is held against."""
