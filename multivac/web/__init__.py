"""The daemon's HTTP face."""
