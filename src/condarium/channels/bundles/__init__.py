"""Bundles: packages of a view in one file, which is also a channel for whoever unpacks it."""
