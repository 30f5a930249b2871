"""What every test may use; loaded by pytest before it collects."""

# Some of them import others, and a plugin must be named before it is imported.
pytest_plugins = [
    "pytester",
    "tests.chromium",
    "tests.postgres",
    "tests.presses",
    "tests.statements",
    "tests.harness",
]
