"""Models written for Brian2 itself, taken over as neurons of this package."""
