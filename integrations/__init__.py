"""The outside world: one folder per vendor, and the sandbox that stands in for all of them."""
