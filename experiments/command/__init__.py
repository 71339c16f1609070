"""The command `neurosim`: one module a command."""
