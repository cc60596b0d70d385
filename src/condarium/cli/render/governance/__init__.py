"""How what is lent looks: a module for each subject, imported here."""

from condarium.cli.render.governance import admissions, files, grants, ledger, requests, resources

__all__ = ["admissions", "files", "grants", "ledger", "requests", "resources"]
