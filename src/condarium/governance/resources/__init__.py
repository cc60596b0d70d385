"""What is lent: resources, their budgets and terms, and who people are elsewhere."""
