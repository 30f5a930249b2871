"""`multivac run` on a machine called CHAOS_NODE: what runs on another one cannot be looked at."""

import os
import platform
import sys

from multivac.cli import main

if __name__ == "__main__":
    vars(platform)["node"] = lambda: os.environ["CHAOS_NODE"]
    sys.argv = ["multivac", "run"]
    main()
