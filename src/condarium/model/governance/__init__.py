"""What is lent: resources, requests, grants, admissions, and the ledger; pure values and rules."""
