"""Jobs that ask for what is lent: decided about, offered to runners, ended."""
