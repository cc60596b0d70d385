"""HTTP as conda is configured to use it: clients, credentials, and the state of channels."""
