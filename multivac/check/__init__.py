"""`multivac check` and `multivac manifest`: tries everything that is configured and says how to mend it.

The command line calls `examine` with what app.py hands over, and prints the `Report`.
"""

from multivac.check.doctors import Doctors
from multivac.check.examination import AREAS, examine, unusable
from multivac.check.manifest import slack_manifest
from multivac.check.verdicts import Report, Verdict

__all__ = ["AREAS", "Doctors", "Report", "Verdict", "examine", "slack_manifest", "unusable"]
