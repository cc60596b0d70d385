"""How what is lent looks: a module for each subject, imported here."""

from condarium.cli.render.governance import grants, requests, resources

__all__ = ["grants", "requests", "resources"]
