"""Slack without a public address: everything comes over a socket, which is opened again when it is lost."""

from integrations.sandbox.world import Fault, World
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

APP_TOKEN = "xapp-sandbox"


def connected(slack: Slack) -> bool:
    return slack.standin.sockets.connected > 0


def test_commands_come_over_the_socket_and_again_after_it_was_lost(
    multivac: Multivac, slack: Slack, clock: Clock, world: World
) -> None:
    slack.standin.app_token(APP_TOKEN)
    world.fail(Fault("slack", "apps.connections.open", "server_error", times=1))
    multivac.start(settings={"slack__app_token": APP_TOKEN})
    slack.wait_for(lambda: connected(slack), "the socket")
    assert "INC-1 is declared" in slack.asks("Cy", "declare Card payments fail sev3")
    clock.settle()
    slack.standin.sockets.drop()
    slack.wait_for(lambda: connected(slack), "the socket again")
    assert "INC-1 · SEV3" in slack.asks("Cy", "list")
    slack.standin.sockets.refresh()
    slack.wait_for(lambda: connected(slack), "the socket once more")
    assert "INC-1 · SEV3" in slack.asks("Cy", "list")
