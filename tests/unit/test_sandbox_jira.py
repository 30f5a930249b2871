"""The Jira stand-in behaves as Jira does, Cloud and Data Center, seen through its SDK over loopback."""

import hashlib
import hmac
import http.client
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jira
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from integrations.sandbox.deliveries import hex_hmac
from integrations.sandbox.jira import TOKEN, Jira
from integrations.sandbox.jira_seed import seed_jira
from integrations.sandbox.seed import PEOPLE
from integrations.sandbox.world import Clock, Fault, Loopback, World
from tests.unit.receiver import Receiver

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
DOCUMENT = {
    "type": "doc",
    "version": 1,
    "content": [{"type": "paragraph", "content": [{"type": "text", "text": "It is down"}]}],
}
INCIDENT = {"project": {"key": "OPS"}, "issuetype": {"name": "Incident"}, "summary": "checkout is down"}


class Office:
    """A site, served; `v3` and `v2` are the SDK on Cloud, `server` is it on Data Center."""

    def __init__(self) -> None:
        self.world = World(Clock(frozen=NOON))
        self.jira = Jira(self.world)
        control = Mount("/_sandbox/jira", routes=self.jira.control_routes())
        self.loopback = Loopback(
            Starlette(routes=[Mount("/jira", routes=self.jira.routes()), control])
        ).start()
        self._clients: list[jira.JIRA] = []

    def start_afresh(self) -> None:
        self.world.reset()
        self.jira.reset()
        self.jira.flavour = "cloud"
        self.world.clock.freeze(NOON)
        self.world.limits_on = False
        seed_jira(self.jira, PEOPLE.items())

    @property
    def v3(self) -> jira.JIRA:
        return self.client(rest_api_version="3", get_server_info=True)

    @property
    def v2(self) -> jira.JIRA:
        return self.client(rest_api_version="2", get_server_info=True)

    @property
    def server(self) -> jira.JIRA:
        self.jira.flavour = "datacenter"
        return self.client(rest_api_version="2", get_server_info=True, token_auth=TOKEN, basic_auth=None)

    def client(self, *, rest_api_version: str, **options: Any) -> jira.JIRA:
        client = jira.JIRA(
            f"{self.loopback.url}/jira",
            options={"rest_api_version": rest_api_version},
            max_retries=0,
            **{"basic_auth": ("multivac@example.com", TOKEN), "timeout": 5, **options},
        )
        self._clients.append(client)
        return client

    def account(self, name: str) -> str:
        return self.jira.site.person(name).account_id

    def raw(self, verb: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        connection = http.client.HTTPConnection(self.loopback.url.removeprefix("http://"), timeout=5)
        connection.request(verb, path, None if body is None else json.dumps(body), headers or {})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text or b"null")

    def close(self) -> None:
        for client in self._clients:
            client.close()  # type: ignore[no-untyped-call]  # the SDK has no types here
        self.jira.deliveries.close()
        self.loopback.stop()


@pytest.fixture(scope="module")
def served() -> Iterator[Office]:
    office = Office()
    yield office
    office.close()


@pytest.fixture
def office(served: Office) -> Office:
    served.start_afresh()
    return served


@pytest.fixture
def heard(office: Office) -> Iterator[Receiver]:
    receiver = Receiver()
    office.jira.subscribe(receiver.url, "secret")
    yield receiver
    receiver.stop()


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


def test_the_sdk_learns_which_jira_it_is(office: Office) -> None:
    assert office.v3.server_info()["deploymentType"] == "Cloud"
    assert office.server.server_info()["deploymentType"] == "Server"
    assert office.raw("GET", "/jira/rest/api/3/serverInfo")[0] == 404


def test_v3_takes_documents_and_v2_takes_text(office: Office) -> None:
    v3, v2 = office.v3, office.v2
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


def test_every_wrong_field_is_named(office: Office) -> None:
    wrong = {
        **INCIDENT,
        "summary": "two\nlines",
        "labels": ["with space"],
        "priority": {"name": "Urgent"},
        "components": [{"name": "nonsense"}],
        "customfield_99999": 1,
        "customfield_10010": {"value": "SEV9"},
        "assignee": {"id": office.account("Gus")},
    }
    status, errors = refused(office.v3.create_issue, fields=wrong)
    assert status == 400
    assert set(errors) == wrong.keys() - {"project", "issuetype"}
    assert errors["assignee"] == "User 'Gus Moreau' cannot be assigned issues."
    assert "project" in refused(office.v3.create_issue, fields={**INCIDENT, "project": {"key": "NO"}})[1]
    assert "issuetype" in refused(office.v3.create_issue, fields={**INCIDENT, "issuetype": {"name": "No"}})[1]
    assert office.v3.create_issue(fields=INCIDENT).key == "OPS-1"


def test_a_project_can_refuse_and_require_fields(office: Office) -> None:
    office.jira.refuse_field("labels", "not on this screen")
    office.jira.require_field("customfield_10010")
    status, errors = refused(office.v3.create_issue, fields={**INCIDENT, "labels": ["x"]})
    expected = {"labels": "not on this screen", "customfield_10010": "Incident severity is required."}
    assert (status, errors) == (400, expected)
    # The SDK does not know that Cloud has this endpoint too.
    listed = office.v3._get_json("issue/createmeta/OPS/issuetypes/10101")["fields"]
    required = {field["fieldId"]: field["required"] for field in listed}
    assert "labels" not in required
    assert required["customfield_10010"]
    office.v3.create_issue(fields={**INCIDENT, "customfield_10010": {"value": "SEV1"}})


def test_fields_properties_and_links_are_kept(office: Office) -> None:
    fields = {
        **INCIDENT,
        "labels": ["multivac-7"],
        "components": [{"name": "checkout"}],
        "customfield_10011": 7,
        "customfield_10012": DOCUMENT,
        "duedate": "2026-03-05",
    }
    client = office.v3
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


def test_a_remote_link_with_the_same_global_id_is_replaced(office: Office) -> None:
    client = office.v3
    issue = client.create_issue(fields=INCIDENT)
    statuses = []
    for title in ("old", "new"):
        link = {"globalId": "multivac=7", "object": {"url": "https://example.com", "title": title}}
        path = client._get_url(f"issue/{issue.key}/remotelink")
        statuses.append(client._session.post(path, data=json.dumps(link)).status_code)
    assert statuses == [201, 200]
    assert [each.object.title for each in client.remote_links(issue.key)] == ["new"]


def test_cloud_assigns_by_account_id_and_data_center_by_name(office: Office) -> None:
    key = office.jira.create("down")
    path = f"/jira/rest/api/3/issue/{key}/assignee"
    cloud = office.v3
    cloud._session.put(office.loopback.url + path, data=json.dumps({"accountId": office.account("Bo")}))
    assert cloud.issue(key).raw["fields"]["assignee"]["accountId"] == office.account("Bo")
    for wrong in ({"name": "bo"}, {"accountId": "nobody"}, {"accountId": office.account("Gus")}):
        assert refused(cloud._session.put, office.loopback.url + path, data=json.dumps(wrong))[0] == 400
    cloud._session.put(office.loopback.url + path, data=json.dumps({"accountId": None}))
    assert cloud.issue(key).fields.assignee is None
    office.server.assign_issue(key, "dee")
    assert office.server.issue(key).raw["fields"]["assignee"]["name"] == "dee"


def test_cloud_hides_addresses_that_people_hide(office: Office) -> None:
    client = office.v3
    found = client.search_assignable_users_for_issues(query="ana@example.com", project="OPS")
    assert [user.accountId for user in found] == [office.account("Ana")]
    assert client.search_assignable_users_for_issues(query="bo@example.com", project="OPS") == []
    (bo,) = client.search_assignable_users_for_issues(query="Bo Lind", project="OPS")
    assert not hasattr(bo, "emailAddress")
    assert client.search_assignable_users_for_issues(query="Gus", project="OPS") == []
    assert [user.displayName for user in client.search_users(query="Gus")] == ["Gus Moreau"]
    server = office.server
    (bo,) = server.search_assignable_users_for_issues(username="bo@example.com", project="OPS")
    assert (bo.name, bo.emailAddress) == ("bo", "bo@example.com")


def test_projects_show_roles_groups_components_and_leads(office: Office) -> None:
    client = office.v3
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
    assert [each.name for each in office.server.project_issue_types("OPS")] == ["Incident", "Task", "Bug"]


def test_cloud_search_is_bounded_paged_by_token_and_gives_ids_only(office: Office) -> None:
    for number in range(5):
        office.jira.create(f"number {number}", labels=["storm"])
    client = office.v3
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
        in message(office.client(rest_api_version="3", get_server_info=False).search_issues, "project = OPS")[
            1
        ]
    )
    assert office.server.search_issues("project = OPS", maxResults=2).total == 5


def test_search_lags_behind_on_the_sandbox_clock(office: Office) -> None:
    client = office.v3
    office.jira.search_lag = 30
    key = office.jira.create("down", labels=["multivac-7"])
    assert client.issue(key).key == key
    assert client.search_issues('labels = "multivac-7"') == []
    ident = int(office.jira.site.issue(key).id)
    assert len(client.enhanced_search_issues('labels = "multivac-7"', reconcileIssues=[ident])) == 1
    office.world.clock.forward(30)
    assert [issue.key for issue in client.search_issues('labels = "multivac-7"')] == [key]
    office.jira.transition(key, "Done")
    assert len(client.search_issues("statusCategory != Done and project = OPS")) == 1
    office.world.clock.forward(30)
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
def test_jql_finds_what_it_says(office: Office, jql: str, keys: list[str]) -> None:
    office.jira.create("the first", labels=["red"])
    office.jira.create("the second", labels=["blue"])
    office.jira.create("the third", by="Bo")
    office.jira.transition("OPS-2", "In Progress")
    office.jira.assign("OPS-3", "Dee")
    assert [issue.key for issue in office.v3.search_issues(jql)] == keys


@pytest.mark.parametrize(
    "jql", ["nonsense = 1", "project = NO", "labels =", "(project = OPS", "issue.property[x].y = 1"]
)
def test_wrong_jql_is_refused(office: Office, jql: str) -> None:
    assert message(office.v3.search_issues, jql)[0] == 400


def test_transitions_have_names_of_their_own(office: Office) -> None:
    client = office.v3
    key = office.jira.create("down")
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


def test_duplicates_can_be_linked(office: Office) -> None:
    first, second = office.jira.create("down"), office.jira.create("down")
    office.v3.create_issue_link("Duplicate", inwardIssue=second, outwardIssue=first)
    (link,) = office.v3.issue(second).fields.issuelinks
    assert (link.type.name, link.outwardIssue.key) == ("Duplicate", first)


def test_wrong_credentials_are_401_and_missing_permissions_403(office: Office) -> None:
    stranger = office.client(
        rest_api_version="3", get_server_info=False, basic_auth=("ana@example.com", "no")
    )
    assert message(stranger.myself)[0] == 401
    assert office.raw("GET", "/jira/rest/api/3/myself")[0] == 401
    office.jira.forbid("CREATE_ISSUES")
    assert message(office.v3.create_issue, fields=INCIDENT)[0] == 403
    shown: Any = office.v3.my_permissions(permissions="CREATE_ISSUES,EDIT_ISSUES", projectKey="OPS")
    have = {name: each["havePermission"] for name, each in shown["permissions"].items()}
    assert have == {"CREATE_ISSUES": False, "EDIT_ISSUES": True}
    office.jira.allow("CREATE_ISSUES")
    assert office.v3.create_issue(fields=INCIDENT).key == "OPS-1"


def test_bearer_tokens_are_for_data_center(office: Office) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert office.raw("GET", "/jira/rest/api/2/myself", headers=bearer)[0] == 401
    office.jira.flavour = "datacenter"
    assert office.raw("GET", "/jira/rest/api/2/myself", headers=bearer)[1]["name"] == "multivac"
    assert office.raw("GET", "/jira/rest/api/3/myself", headers=bearer)[0] == 404


def test_writes_on_one_issue_are_limited_when_limits_are_on(office: Office) -> None:
    client, key = office.v2, office.jira.create("down")
    office.world.limits_on = True
    for number in range(20):
        client.add_comment(key, str(number))
    with pytest.raises(jira.JIRAError) as caught:
        client.add_comment(key, "too much")
    response = caught.value.response
    assert response is not None
    assert (response.status_code, response.headers["RateLimit-Reason"]) == (429, "jira-per-issue-on-write")
    office.world.clock.forward(int(response.headers["Retry-After"]))
    assert client.add_comment(key, "now")


def test_faults_are_worded_as_jira_words_them(office: Office) -> None:
    client = office.v3
    office.world.fail(Fault("jira", "GET /myself", "rate_limit"))
    office.world.fail(Fault("jira", "GET /myself", "rate_limit", retry_after=7))
    for expected in (None, "7"):
        with pytest.raises(jira.JIRAError) as caught:
            client.myself()
        assert caught.value.response is not None
        assert caught.value.response.headers.get("Retry-After") == expected
    office.world.fail(Fault("jira", "POST /issue", "refuse", error="no"))
    assert message(client.create_issue, fields=INCIDENT) == (400, "no")


def test_a_person_reassigning_tells_the_old_and_new_assignee(office: Office, heard: Receiver) -> None:
    key = office.jira.create("down", labels=["multivac-7"])
    office.jira.assign(key, "Bo", by="Ana")
    office.jira.assign(key, "Dee", by="Bo")
    office.jira.transition(key, "In Progress", by="Dee")
    office.jira.comment(key, "found it", by="Dee")
    bodies = [webhook.json for webhook in heard.wait(5)]
    assert [body["webhookEvent"] for body in bodies] == [
        "jira:issue_created",
        *["jira:issue_updated"] * 3,
        "comment_created",
    ]
    assert bodies[0]["issue"]["fields"]["labels"] == ["multivac-7"]
    (item,) = bodies[2]["changelog"]["items"]
    assert (item["field"], item["fromString"], item["toString"]) == ("assignee", "Bo Lindqvist", "Dee Okafor")
    assert (item["from"], item["to"]) == (office.account("Bo"), office.account("Dee"))
    assert bodies[2]["user"]["accountId"] == office.account("Bo")
    assert bodies[3]["changelog"]["items"][0]["toString"] == "In Progress"
    assert bodies[4]["comment"]["body"] == "found it"


def test_a_change_to_the_same_value_tells_nobody(office: Office, heard: Receiver) -> None:
    key = office.jira.create("down")
    for _ in range(2):
        office.jira.assign(key, "Bo")
    office.jira.comment(key, "last")
    kinds = [webhook.json["webhookEvent"] for webhook in heard.wait(3)]
    assert kinds == ["jira:issue_created", "jira:issue_updated", "comment_created"]


def test_webhooks_are_signed_as_atlassian_signs(office: Office, heard: Receiver) -> None:
    office.jira.create("gestört")
    (webhook,) = heard.wait(1)
    digest = hmac.new(b"secret", webhook.body, hashlib.sha256).hexdigest()
    assert webhook.headers["x-hub-signature"] == f"sha256={digest}"
    assert webhook.headers["x-atlassian-webhook-flow"] == "Primary"


def test_the_published_signature_vector_holds() -> None:
    folder = os.environ.get("MULTIVAC_PAYLOADS")
    if not folder:
        pytest.skip("no recorded payloads")
    vector = json.loads(Path(folder, "jira", "webhook_signature_vector.json").read_text())
    signed = "sha256=" + hex_hmac(vector["secret"], vector["raw_body"].encode())
    assert signed == vector["X-Hub-Signature"]


def test_webhooks_are_tried_again_while_later_ones_overtake(office: Office, heard: Receiver) -> None:
    heard.answers = [503]
    key = office.jira.create("down")
    heard.wait(1)
    office.jira.deliveries.redeliver_due()
    office.jira.assign(key, "Bo")
    heard.wait(2)
    office.world.clock.forward(60)
    office.jira.deliveries.redeliver_due()
    first, overtaking, again = heard.wait(3)
    assert overtaking.json["webhookEvent"] == "jira:issue_updated"
    assert again.body == first.body
    identifier = "x-atlassian-webhook-identifier"
    assert again.headers[identifier] == first.headers[identifier] != overtaking.headers[identifier]
    assert (first.headers.get("x-atlassian-webhook-retry"), again.headers["x-atlassian-webhook-retry"]) == (
        None,
        "1",
    )


def test_a_webhook_refused_with_4xx_is_final(office: Office, heard: Receiver) -> None:
    heard.answers = [404]
    office.jira.create("down")
    office.jira.deliveries.redeliver_due()
    assert office.jira.deliveries.waiting() == 0
    assert office.jira.deliveries.records[-1].outcome == "dropped"


def test_another_process_can_drive_it(office: Office, heard: Receiver) -> None:
    status, made = office.raw("POST", "/_sandbox/jira/create", {"summary": "down"})
    assert status == 200
    office.raw("POST", "/_sandbox/jira/assign", {"key": made["id"], "person": "Cara", "by": "Bo"})
    assert heard.wait(2)[1].json["user"]["displayName"] == "Bo Lindqvist"
    office.raw("POST", "/_sandbox/jira/set", {"flavour": "datacenter", "search_lag": 5})
    state = office.raw("GET", "/_sandbox/jira/state")[1]
    assert (state["flavour"], state["search_lag"]) == ("datacenter", 5)
    assert state["issues"][0]["fields"]["assignee"]["name"] == "cara"


def test_a_ticket_has_a_page_to_look_at(office: Office) -> None:
    key = office.jira.create("<b>down</b>")
    connection = http.client.HTTPConnection(office.loopback.url.removeprefix("http://"), timeout=5)
    connection.request("GET", f"/jira/browse/{key}")
    page = connection.getresponse().read().decode()
    connection.close()
    assert "&lt;b&gt;down&lt;/b&gt;" in page
