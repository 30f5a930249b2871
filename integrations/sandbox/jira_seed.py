"""The example company's Jira: project OPS, its people, role, group, components and custom fields."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from integrations.sandbox.jira_model import (
    Component,
    CustomField,
    Named,
    Person,
    Project,
    Role,
    Site,
    account_id,
)

if TYPE_CHECKING:
    from integrations.sandbox.jira import Jira

# Cloud hides addresses by default; half of the people have not changed that.
HIDDEN = ("Bo Lindqvist", "Cy Tanaka", "Eli Novak", "Fay Kim")
NOT_ASSIGNABLE = "Gus Moreau"
ISSUE_TYPES = ("Incident", "Task", "Bug")
COMPONENT_LEADS = {"checkout": "Ana", "payments": "Bo", "search": "Fay"}
LEADS = ("Ana", "Dee")
LEAD_GROUP = ("Ana", "Bo", "Dee")
CUSTOM_FIELDS = (
    CustomField("customfield_10010", "Incident severity", "select", ("SEV1", "SEV2", "SEV3", "SEV4", "SEV5")),
    CustomField("customfield_10011", "Incident number", "number"),
    CustomField("customfield_10012", "Customer impact", "textarea"),
    CustomField("customfield_10013", "Incident start", "datetime"),
    CustomField("customfield_10014", "Incident channel", "text"),
)


def seed_jira(jira: "Jira", people: Iterable[tuple[str, str]]) -> None:
    """Fill an empty site; `people` are names and e-mail addresses, the first names above among them."""
    with jira.world.lock:
        site = jira.site
        for name, email in [*people, ("Multivac", jira.gate.bearer)]:
            _add_person(site, name, email)
        site.groups["incident-leads"] = [site.person(name).account_id for name in LEAD_GROUP]
        site.custom_fields = {field.id: field for field in CUSTOM_FIELDS}
        site.projects["10100"] = _project(site)
    jira.world.touch()


def _add_person(site: Site, name: str, email: str) -> None:
    ident = account_id(email)
    site.people[ident] = Person(
        ident,
        email.partition("@")[0],
        name,
        email,
        email_visible=name not in HIDDEN,
        assignable=name != NOT_ASSIGNABLE,
    )


def _project(site: Site) -> Project:
    types = [Named(str(number), name) for number, name in enumerate(ISSUE_TYPES, start=10_101)]
    components = [
        Component(str(number), name, site.person(lead).account_id, f"The {name} system")
        for number, (name, lead) in enumerate(COMPONENT_LEADS.items(), start=10_201)
    ]
    leads = [site.person(name).account_id for name in LEADS]
    roles = [
        Role("10002", "Administrators", people=leads[:1]),
        Role("10300", "Incident leads", people=leads, groups=["incident-leads"]),
    ]
    return Project("10100", "OPS", "Operations", leads[0], types, components, roles)
