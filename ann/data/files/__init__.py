"""Reading tables from text files as they come, and writing them."""
