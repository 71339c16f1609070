"""Trained models as files, and models of other libraries."""
