"""`neurosim recording`: what recordings are read as."""
