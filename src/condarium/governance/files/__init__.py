"""What is lent, as files: our own format, and those of conda-forge and of Cirun."""
