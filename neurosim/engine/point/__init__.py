"""Point neurons as one Brian2 run, compiled to C++ or run with NumPy."""
