"""Requests: checked, asked, reviewed."""
