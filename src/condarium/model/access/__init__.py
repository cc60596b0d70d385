"""Who may do what: principals, roles, and the decision, as pure values and one pure function."""
