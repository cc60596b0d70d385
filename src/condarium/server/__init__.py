"""The HTTP server: channels as clients download them, and uploads into them."""
