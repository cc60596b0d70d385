"""Jobs at GitHub, and what its API knows of names."""
