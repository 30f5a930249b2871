"""A Jira site, served, with the SDK to talk to it, for the tests of the Jira stand-in."""

import http.client
import json
from datetime import UTC, datetime
from typing import Any

import jira
from starlette.applications import Starlette
from starlette.routing import Mount

from integrations.sandbox.jira import TOKEN, Jira
from integrations.sandbox.jira_seed import seed_jira
from integrations.sandbox.seed import PEOPLE
from integrations.sandbox.world import Clock, Loopback, World

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


class Site:
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
