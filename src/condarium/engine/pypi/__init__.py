"""PyPI packages, through uv."""
