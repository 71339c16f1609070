"""Cells whose pumps and exchangers set what they do for seconds, after published programs."""
