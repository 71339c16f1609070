"""Looking at a network: plots, and a diagnosis of what keeps it from learning."""
