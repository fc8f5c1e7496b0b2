"""The real servers that ship in wheels, one a file: how each is found, started, probed and stopped."""
