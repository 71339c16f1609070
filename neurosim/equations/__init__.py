"""Reading model equations: evaluate an expression, find the steady state of a system."""
