"""A playbook as typed data: does it match this alert, who is wanted, what is due when. Pure.

Intake asks `choose`, the response asks a `Playbook`, the store keeps `snapshot` and the loader
(`multivac.playbooks`) reads the files and reports what `mistakes` finds.
"""

from __future__ import annotations

from multivac.playbook.channels import with_suffix
from multivac.playbook.mistakes import mistakes
from multivac.playbook.model import Playbook, choose, restore, snapshot
from multivac.playbook.people import (
    ByAcker,
    ByComponent,
    ByLeastLoaded,
    ByName,
    ByOnCall,
    ByRoundRobin,
    LeadStrategy,
    Named,
    OnCallOf,
    Pool,
    RoleRule,
    Wanted,
)
from multivac.playbook.phases import CONDITIONS, Drill, Phase, Repeat, Task, holds
from multivac.playbook.titles import gist

__all__ = [
    "CONDITIONS",
    "ByAcker",
    "ByComponent",
    "ByLeastLoaded",
    "ByName",
    "ByOnCall",
    "ByRoundRobin",
    "Drill",
    "LeadStrategy",
    "Named",
    "OnCallOf",
    "Phase",
    "Playbook",
    "Pool",
    "Repeat",
    "RoleRule",
    "Task",
    "Wanted",
    "choose",
    "gist",
    "holds",
    "mistakes",
    "restore",
    "snapshot",
    "with_suffix",
]
