"""What each step of the response does: one module for each concern, one small function for each step."""
