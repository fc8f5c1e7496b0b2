"""The front door: HTTP in, a committed row out. It computes nothing and imports no numerical library."""
