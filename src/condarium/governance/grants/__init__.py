"""What is granted, changed and revoked, and the list of it."""
