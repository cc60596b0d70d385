"""condarium: the conda infrastructure an organisation runs for itself."""

__version__ = "0.1.0"
