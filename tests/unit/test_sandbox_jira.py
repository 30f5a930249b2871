"""The Jira stand-in behaves as Jira does, Cloud and Data Center, seen through its SDK over loopback."""

import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any

import jira
import pytest

from integrations.sandbox.jira import TOKEN
from integrations.sandbox.world import Fault
from tests.unit.jira_site import Site

DOCUMENT = {
    "type": "doc",
    "version": 1,
    "content": [{"type": "paragraph", "content": [{"type": "text", "text": "It is down"}]}],
}
INCIDENT = {"project": {"key": "OPS"}, "issuetype": {"name": "Incident"}, "summary": "checkout is down"}


@pytest.fixture(scope="module")
def served() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def site(served: Site) -> Site:
    served.start_afresh()
    return served


def refused(act: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[int, dict[str, str]]:
    """Give status and field errors of a call that must fail."""
    with pytest.raises(jira.JIRAError) as caught:
        act(*args, **kwargs)
    response = caught.value.response
    assert response is not None
    return response.status_code, response.json()["errors"]


def message(act: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[int, str]:
    with pytest.raises(jira.JIRAError) as caught:
        act(*args, **kwargs)
    response = caught.value.response
    assert response is not None
    return response.status_code, response.json()["errorMessages"][0]


def test_the_sdk_learns_which_jira_it_is(site: Site) -> None:
    assert site.v3.server_info()["deploymentType"] == "Cloud"
    assert site.server.server_info()["deploymentType"] == "Server"
    assert site.raw("GET", "/jira/rest/api/3/serverInfo")[0] == 404


def test_v3_takes_documents_and_v2_takes_text(site: Site) -> None:
    v3, v2 = site.v3, site.v2
    refusal = refused(v3.create_issue, fields={**INCIDENT, "description": "plain"})
    assert refusal[0] == 400
    assert "Atlassian Document" in refusal[1]["description"]
    assert refused(v2.create_issue, fields={**INCIDENT, "description": DOCUMENT})[0] == 400
    made = v3.create_issue(fields={**INCIDENT, "description": DOCUMENT})
    assert v2.issue(made.key).fields.description == "It is down"
    assert refused(v3.add_comment, made.key, "plain")[0] == 400
    v2.add_comment(made.key, "plain")
    assert v3.issue(made.key).raw["fields"]["comment"]["comments"][0]["body"]["type"] == "doc"
    empty = {**DOCUMENT, "content": [{"type": "paragraph", "content": [{"type": "text", "text": ""}]}]}
    assert refused(v3.add_comment, made.key, empty)[0] == 400


def test_every_wrong_field_is_named(site: Site) -> None:
    wrong = {
        **INCIDENT,
        "summary": "two\nlines",
        "labels": ["with space"],
        "priority": {"name": "Urgent"},
        "components": [{"name": "nonsense"}],
        "customfield_99999": 1,
        "customfield_10010": {"value": "SEV9"},
        "assignee": {"id": site.account("Gus")},
    }
    status, errors = refused(site.v3.create_issue, fields=wrong)
    assert status == 400
    assert set(errors) == wrong.keys() - {"project", "issuetype"}
    assert errors["assignee"] == "User 'Gus Moreau' cannot be assigned issues."
    assert "project" in refused(site.v3.create_issue, fields={**INCIDENT, "project": {"key": "NO"}})[1]
    assert "issuetype" in refused(site.v3.create_issue, fields={**INCIDENT, "issuetype": {"name": "No"}})[1]
    assert site.v3.create_issue(fields=INCIDENT).key == "OPS-1"


def test_a_project_can_refuse_and_require_fields(site: Site) -> None:
    site.jira.refuse_field("labels", "not on this screen")
    site.jira.require_field("customfield_10010")
    status, errors = refused(site.v3.create_issue, fields={**INCIDENT, "labels": ["x"]})
    expected = {"labels": "not on this screen", "customfield_10010": "Incident severity is required."}
    assert (status, errors) == (400, expected)
    # The SDK does not know that Cloud has this endpoint too.
    listed = site.v3._get_json("issue/createmeta/OPS/issuetypes/10101")["fields"]
    required = {field["fieldId"]: field["required"] for field in listed}
    assert "labels" not in required
    assert required["customfield_10010"]
    site.v3.create_issue(fields={**INCIDENT, "customfield_10010": {"value": "SEV1"}})


def test_fields_properties_and_links_are_kept(site: Site) -> None:
    fields = {
        **INCIDENT,
        "labels": ["multivac-7"],
        "components": [{"name": "checkout"}],
        "customfield_10011": 7,
        "customfield_10012": DOCUMENT,
        "duedate": "2026-03-05",
    }
    client = site.v3
    issue = client.create_issue(fields=fields)
    issue.update(fields={"summary": "still down"}, update={"labels": [{"add": "sev1"}]})
    client.add_issue_property(issue.key, "multivac", {"incident": 7})
    client.add_simple_link(issue.key, {"url": "https://example.com/inc-7", "title": "inc-7"})
    shown = client.issue(issue.key, properties="multivac")
    assert (shown.fields.summary, shown.fields.labels) == ("still down", ["multivac-7", "sev1"])
    assert (shown.fields.customfield_10011, shown.fields.duedate) == (7, "2026-03-05")
    assert [component.name for component in shown.fields.components] == ["checkout"]
    assert client.issue_property(issue.key, "multivac").raw["value"] == {"incident": 7}
    assert [link.object.title for link in client.remote_links(issue.key)] == ["inc-7"]
    issue.delete()  # type: ignore[no-untyped-call]  # the SDK has no types here
    assert message(client.issue, issue.key)[0] == 404


def test_a_remote_link_with_the_same_global_id_is_replaced(site: Site) -> None:
    client = site.v3
    issue = client.create_issue(fields=INCIDENT)
    statuses = []
    for title in ("old", "new"):
        link = {"globalId": "multivac=7", "object": {"url": "https://example.com", "title": title}}
        path = client._get_url(f"issue/{issue.key}/remotelink")
        statuses.append(client._session.post(path, data=json.dumps(link)).status_code)
    assert statuses == [201, 200]
    assert [each.object.title for each in client.remote_links(issue.key)] == ["new"]


def test_cloud_assigns_by_account_id_and_data_center_by_name(site: Site) -> None:
    key = site.jira.create("down")
    path = f"/jira/rest/api/3/issue/{key}/assignee"
    cloud = site.v3
    cloud._session.put(site.loopback.url + path, data=json.dumps({"accountId": site.account("Bo")}))
    assert cloud.issue(key).raw["fields"]["assignee"]["accountId"] == site.account("Bo")
    for wrong in ({"name": "bo"}, {"accountId": "nobody"}, {"accountId": site.account("Gus")}):
        assert refused(cloud._session.put, site.loopback.url + path, data=json.dumps(wrong))[0] == 400
    cloud._session.put(site.loopback.url + path, data=json.dumps({"accountId": None}))
    assert cloud.issue(key).fields.assignee is None
    site.server.assign_issue(key, "dee")
    assert site.server.issue(key).raw["fields"]["assignee"]["name"] == "dee"


def test_cloud_hides_addresses_that_people_hide(site: Site) -> None:
    client = site.v3
    found = client.search_assignable_users_for_issues(query="ana@example.com", project="OPS")
    assert [user.accountId for user in found] == [site.account("Ana")]
    assert client.search_assignable_users_for_issues(query="bo@example.com", project="OPS") == []
    (bo,) = client.search_assignable_users_for_issues(query="Bo Lind", project="OPS")
    assert not hasattr(bo, "emailAddress")
    assert client.search_assignable_users_for_issues(query="Gus", project="OPS") == []
    assert [user.displayName for user in client.search_users(query="Gus")] == ["Gus Moreau"]
    server = site.server
    (bo,) = server.search_assignable_users_for_issues(username="bo@example.com", project="OPS")
    assert (bo.name, bo.emailAddress) == ("bo", "bo@example.com")


def test_projects_show_roles_groups_components_and_leads(site: Site) -> None:
    client = site.v3
    roles = client.project_roles("OPS")
    role = client.project_role("OPS", roles["Incident leads"]["id"])
    kinds = {actor.displayName: actor.type for actor in role.actors}
    assert kinds == {
        "Ana Silva": "atlassian-user-role-actor",
        "Dee Okafor": "atlassian-user-role-actor",
        "incident-leads": "atlassian-group-role-actor",
    }
    members = client._get_json("group/member", params={"groupname": "incident-leads"})
    assert [each["displayName"] for each in members["values"]] == ["Ana Silva", "Bo Lindqvist", "Dee Okafor"]
    leads = {each.name: each.lead.displayName for each in client.project_components("OPS")}
    assert leads == {"checkout": "Ana Silva", "payments": "Bo Lindqvist", "search": "Fay Kim"}
    assert client.project("OPS").name == "Operations"
    assert client.myself()["displayName"] == "Multivac"
    assert [each.name for each in site.server.project_issue_types("OPS")] == ["Incident", "Task", "Bug"]


def test_cloud_search_is_bounded_paged_by_token_and_gives_ids_only(site: Site) -> None:
    for number in range(5):
        site.jira.create(f"number {number}", labels=["storm"])
    client = site.v3
    path = "search/jql"
    first = client._get_json(path, params={"jql": 'labels = "storm"', "maxResults": 3})
    assert first["issues"][0].keys() == {"id"}
    assert "total" not in first
    rest = client._get_json(
        path, params={"jql": 'labels = "storm"', "maxResults": 3, "nextPageToken": first["nextPageToken"]}
    )
    assert (len(first["issues"]), len(rest["issues"]), rest["isLast"]) == (3, 2, True)
    assert len(client.search_issues('labels = "storm"', maxResults=0)) == 5
    assert message(client.search_issues, "order by created")[0] == 400
    assert (
        "CHANGE-2046"
        in message(site.client(rest_api_version="3", get_server_info=False).search_issues, "project = OPS")[1]
    )
    assert site.server.search_issues("project = OPS", maxResults=2).total == 5


def test_search_lags_behind_on_the_sandbox_clock(site: Site) -> None:
    client = site.v3
    site.jira.search_lag = 30
    key = site.jira.create("down", labels=["multivac-7"])
    assert client.issue(key).key == key
    assert client.search_issues('labels = "multivac-7"') == []
    ident = int(site.jira.site.issue(key).id)
    assert len(client.enhanced_search_issues('labels = "multivac-7"', reconcileIssues=[ident])) == 1
    site.world.clock.forward(30)
    assert [issue.key for issue in client.search_issues('labels = "multivac-7"')] == [key]
    site.jira.transition(key, "Done")
    assert len(client.search_issues("statusCategory != Done and project = OPS")) == 1
    site.world.clock.forward(30)
    assert client.search_issues("statusCategory != Done and project = OPS") == []


@pytest.mark.parametrize(
    ("jql", "keys"),
    [
        ("project = OPS order by key", ["OPS-1", "OPS-2", "OPS-3"]),
        ("project = OPS order by created DESC, key desc", ["OPS-3", "OPS-2", "OPS-1"]),
        ('labels in ("red", blue)', ["OPS-2", "OPS-1"]),
        ("labels = red and not labels = blue", ["OPS-1"]),
        ("labels != red", ["OPS-2"]),
        ("labels is EMPTY", ["OPS-3"]),
        (
            'assignee = "dee@example.com" or (status = "In Progress" and issuetype = Incident)',
            ["OPS-3", "OPS-2"],
        ),
        ("assignee is not empty", ["OPS-3"]),
        ("summary ~ second", ["OPS-2"]),
        ("key in (OPS-1, OPS-3) and created >= -1d", ["OPS-3", "OPS-1"]),
        ("reporter = currentUser() and project = OPS", []),
    ],
)
def test_jql_finds_what_it_says(site: Site, jql: str, keys: list[str]) -> None:
    site.jira.create("the first", labels=["red"])
    site.jira.create("the second", labels=["blue"])
    site.jira.create("the third", by="Bo")
    site.jira.transition("OPS-2", "In Progress")
    site.jira.assign("OPS-3", "Dee")
    assert [issue.key for issue in site.v3.search_issues(jql)] == keys


@pytest.mark.parametrize(
    "jql", ["nonsense = 1", "project = NO", "labels =", "(project = OPS", "issue.property[x].y = 1"]
)
def test_wrong_jql_is_refused(site: Site, jql: str) -> None:
    assert message(site.v3.search_issues, jql)[0] == 400


def test_transitions_have_names_of_their_own(site: Site) -> None:
    client = site.v3
    key = site.jira.create("down")
    assert [each["name"] for each in client.transitions(key)] == ["Start work", "Resolve"]
    assert refused_transition(client, key, "11")
    client.transition_issue(key, "Resolve", fields={"resolution": {"name": "Duplicate"}})
    done = client.issue(key).raw["fields"]
    assert (done["status"]["name"], done["resolution"]["name"]) == ("Done", "Duplicate")
    assert done["status"]["statusCategory"]["key"] == "done"
    client.transition_issue(key, "11")
    assert client.issue(key).fields.resolution is None


def refused_transition(client: jira.JIRA, key: str, ident: str) -> bool:
    path = client._get_url(f"issue/{key}/transitions")
    return refused(client._session.post, path, data=json.dumps({"transition": {"id": ident}}))[0] == 400


def test_duplicates_can_be_linked(site: Site) -> None:
    first, second = site.jira.create("down"), site.jira.create("down")
    site.v3.create_issue_link("Duplicate", inwardIssue=second, outwardIssue=first)
    (link,) = site.v3.issue(second).fields.issuelinks
    assert (link.type.name, link.outwardIssue.key) == ("Duplicate", first)


def test_wrong_credentials_are_401_and_missing_permissions_403(site: Site) -> None:
    stranger = site.client(rest_api_version="3", get_server_info=False, basic_auth=("ana@example.com", "no"))
    assert message(stranger.myself)[0] == 401
    assert site.raw("GET", "/jira/rest/api/3/myself")[0] == 401
    site.jira.forbid("CREATE_ISSUES")
    assert message(site.v3.create_issue, fields=INCIDENT)[0] == 403
    shown: Any = site.v3.my_permissions(permissions="CREATE_ISSUES,EDIT_ISSUES", projectKey="OPS")
    have = {name: each["havePermission"] for name, each in shown["permissions"].items()}
    assert have == {"CREATE_ISSUES": False, "EDIT_ISSUES": True}
    site.jira.allow("CREATE_ISSUES")
    assert site.v3.create_issue(fields=INCIDENT).key == "OPS-1"


def test_bearer_tokens_are_for_data_center(site: Site) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert site.raw("GET", "/jira/rest/api/2/myself", headers=bearer)[0] == 401
    site.jira.flavour = "datacenter"
    assert site.raw("GET", "/jira/rest/api/2/myself", headers=bearer)[1]["name"] == "multivac"
    assert site.raw("GET", "/jira/rest/api/3/myself", headers=bearer)[0] == 404


def test_writes_on_one_issue_are_limited_when_limits_are_on(site: Site) -> None:
    client, key = site.v2, site.jira.create("down")
    site.world.limits_on = True
    for number in range(20):
        client.add_comment(key, str(number))
    with pytest.raises(jira.JIRAError) as caught:
        client.add_comment(key, "too much")
    response = caught.value.response
    assert response is not None
    assert (response.status_code, response.headers["RateLimit-Reason"]) == (429, "jira-per-issue-on-write")
    site.world.clock.forward(int(response.headers["Retry-After"]))
    assert client.add_comment(key, "now")


def test_faults_are_worded_as_jira_words_them(site: Site) -> None:
    client = site.v3
    site.world.fail(Fault("jira", "GET /myself", "rate_limit"))
    site.world.fail(Fault("jira", "GET /myself", "rate_limit", retry_after=7))
    for expected in (None, "7"):
        with pytest.raises(jira.JIRAError) as caught:
            client.myself()
        assert caught.value.response is not None
        assert caught.value.response.headers.get("Retry-After") == expected
    site.world.fail(Fault("jira", "POST /issue", "refuse", error="no"))
    assert message(client.create_issue, fields=INCIDENT) == (400, "no")


def test_a_ticket_has_a_page_to_look_at(site: Site) -> None:
    key = site.jira.create("<b>down</b>")
    connection = http.client.HTTPConnection(site.loopback.url.removeprefix("http://"), timeout=5)
    connection.request("GET", f"/jira/browse/{key}")
    page = connection.getresponse().read().decode()
    connection.close()
    assert "&lt;b&gt;down&lt;/b&gt;" in page
