"""The width of the figures of a page."""

__all__ = ["PAGE_WIDTH"]

PAGE_WIDTH = 8.4
"""Of a figure as wide as a page, in inches. All of a page have this width, so that their letters
are of one size: on paper (180 mm) 8 points become 6.8."""
