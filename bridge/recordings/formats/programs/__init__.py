"""Files of other programs, one a module: what Neo and igor2 read of them, put right."""
