"""The operations that bring in what is elsewhere."""
