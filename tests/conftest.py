"""What every test may use; loaded by pytest before it collects."""

# The harness imports the other two, and a plugin must be named before it is imported.
pytest_plugins = ["pytester", "tests.chromium", "tests.postgres", "tests.presses", "tests.harness"]
