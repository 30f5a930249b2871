"""The whole sandbox: one world, three stand-ins, one starlette application, one port on loopback."""

from typing import Any, Self

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

from integrations.sandbox import control, page, seed
from integrations.sandbox.jira import Jira
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.slack import Slack
from integrations.sandbox.world import Answer, Clock, Loopback, World


class Sandbox:
    """Slack, Jira and PagerDuty as one process sees them; empty until `seed`.

    Use it as a context manager, or `start` and `stop` it. Addresses: `{url}/slack/api/`,
    `{url}/jira`, `{url}/pagerduty`, `{url}/_sandbox/` for its own API, and `{url}/` for the page.
    `{url}/heartbeat` hears whoever says that they are well, as the vendor "heartbeat".
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.world = World(clock)
        self.slack = Slack(self.world)
        self.jira = Jira(self.world)
        self.pagerduty = PagerDuty(self.world)
        self.app = Starlette(routes=self._routes())
        self._loopback = Loopback(self.app)

    @property
    def url(self) -> str:
        """The address it listens at, without a slash at the end; empty before `start`."""
        return self._loopback.url

    def start(self, port: int = 0) -> Self:
        """Serve from a daemon thread; requests are answered once this returns."""
        self._loopback.start(port)
        self.world.url = self.url
        return self

    def stop(self) -> None:
        """Stop serving; state and exchanges stay readable."""
        self._loopback.stop()

    def wait(self) -> None:
        """Block until it stops serving."""
        self._loopback.wait()

    def seed(self) -> None:
        """Fill it with a believable company; see `seed`."""
        seed.fill(self)

    def reset(self) -> None:
        """Empty all stand-ins and forget what was said, keeping clock, delays, limits and address."""
        with self.world.lock:
            for standin in (self.slack, self.jira, self.pagerduty):
                standin.reset()
        self.world.reset()

    def state(self) -> dict[str, Any]:
        """Give all that is visible in the stand-ins, as JSON."""
        with self.world.lock:
            return {
                "now": self.world.clock.now().isoformat(),
                "slack": self.slack.state(),
                "jira": self.jira.state(),
                "pagerduty": self.pagerduty.state(),
            }

    def __enter__(self) -> Self:
        """Start serving."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop serving."""
        self.stop()

    def _routes(self) -> list[BaseRoute]:
        heart = self.world.endpoint("heartbeat", "GET /heartbeat", lambda _: Answer(200, "OK"))
        return [
            Route("/heartbeat", heart, methods=["GET"]),
            Mount("/slack", routes=self.slack.routes()),
            Mount("/jira", routes=self.jira.routes()),
            Mount("/pagerduty", routes=self.pagerduty.routes()),
            Mount("/_sandbox/slack", routes=self.slack.control_routes()),
            Mount("/_sandbox/jira", routes=self.jira.control_routes()),
            Mount("/_sandbox/pagerduty", routes=self.pagerduty.control_routes()),
            Mount("/_sandbox", routes=control.routes(self)),
            *page.routes(),
        ]
