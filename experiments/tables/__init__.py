"""From a table to neurons: rows for a trained model, its scores and figures, and its report."""
