"""Pictures of arrays: training history, regions of classes, weights; no model is known here."""
