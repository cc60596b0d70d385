"""Packages in the store: made, fetched, kept, and seen to be whole."""
