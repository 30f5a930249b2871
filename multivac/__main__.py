"""`python -m multivac` is the same as `multivac`."""

from multivac.cli import main

main()
