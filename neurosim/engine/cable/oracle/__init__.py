"""The cable scheme in plain NumPy, which the compiled program is held against."""
