"""Models rewritten after Brian2's own examples, with which `from_brian2` is tested."""
