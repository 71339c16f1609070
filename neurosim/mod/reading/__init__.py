"""The text of MOD files as a tree: words, expressions, statements and blocks."""
