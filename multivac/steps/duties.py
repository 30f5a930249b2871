"""The services that people name: who is on call for them by the pager comes in as for an alert."""

from __future__ import annotations

from collections.abc import Mapping

from multivac.steps.base import NOTHING, Attempt, View
from multivac.store.cases import Case, Result, named_services

FAMILY = "service"


def wants_policies(view: View) -> Mapping[str, str]:
    """The escalation policies of each service that people named while it is open."""
    case = view.case
    if view.out.pager is None:
        return NOTHING
    names = named_services(case.sayings)
    return {name: "1" for name in names if case.status.is_open or f"{FAMILY}/{name}" in case.steps}


def find_policies(attempt: Attempt) -> Result:
    """Ask the pager; of a service that it does not have by this very name, there are none."""
    name = attempt.instance.casefold()
    found = attempt.pager().policies_of_service(attempt.instance)
    called = {policy: {known.casefold(), *known.casefold().split(", ")} for policy, known in found.items()}
    exact = [policy for policy, names in called.items() if name in names]
    return {"policies": exact}


def policies_of(case: Case) -> Mapping[str, str]:
    """The policies (ids) of the services that people named, each with the service."""
    return {
        policy: name
        for name in named_services(case.sayings)
        for policy in case.result(f"{FAMILY}/{name}").get("policies", ())
    }
