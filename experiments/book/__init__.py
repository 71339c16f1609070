"""The book: how its sources are laid out, what its gallery shows, and how it is built."""
