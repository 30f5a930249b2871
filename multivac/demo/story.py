"""The outage that the demo plays: who does what, when, in story time. Read it from top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from multivac.demo.stage import Stage

TITLE = "Checkout fails with error 500"
CHANNEL = "inc-1-checkout-fails-with-error-500"
BRIDGE = "https://meet.example.com/checkout"
ANA, BO, CARA, DEE = "Ana Silva", "Bo Lindqvist", "Cara Mbeki", "Dee Okafor"


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing that happens: when by the story's clock, and the real seconds before it in a live demo."""

    at: timedelta
    act: Callable[[Stage], None]
    pause: float = 4.0


def _checkout_fails(stage: Stage) -> None:
    pagerduty = stage.world.pagerduty
    pagerduty.set_on_call("incident-commander", DEE)
    stage.channel = CHANNEL
    stage.alerts["checkout"] = pagerduty.trigger(TITLE, "checkout", priority="P2")


def _ana_acknowledges(stage: Stage) -> None:
    stage.world.pagerduty.acknowledge(stage.alerts["checkout"], ANA)


def _ana_looks(stage: Stage) -> None:
    stage.say(ANA, "Looking. The errors began right after the deploy of *2.31*.")


def _dee_leads(stage: Stage) -> None:
    stage.press(DEE, "Accept")
    stage.say(DEE, "I lead. Bo, you are my deputy. Ana stays on checkout. Cara, what do customers see?")


def _cara_answers(stage: Stage) -> None:
    stage.say(CARA, "40 tickets in ten minutes: the card is charged, but there is no order.")


def _payments_follow(stage: Stage) -> None:
    stage.alerts["payments"] = stage.world.pagerduty.trigger(
        "Payments without an order pile up", "checkout", priority="P2"
    )


def _cara_raises_the_priority(stage: Stage) -> None:
    stage.world.pagerduty.set_priority(stage.alerts["checkout"], "P1", CARA)


def _dee_decides(stage: Stage) -> None:
    stage.say(DEE, "Then it is SEV1. We roll back 2.31 now, unless somebody strongly objects.")


def _bo_opens_a_bridge(stage: Stage) -> None:
    stage.world.pagerduty.set_bridge(stage.alerts["checkout"], BRIDGE, by=BO)


def _dee_asks_gus(stage: Stage) -> None:
    stage.world.pagerduty.add_responder(
        stage.alerts["checkout"], "Gus", DEE, message="Please check the ledger"
    )


def _gus_comes(stage: Stage) -> None:
    stage.world.pagerduty.responder_replied(stage.alerts["checkout"], "Gus", "accepted")
    stage.say("Gus Moreau", "Here. I compare charges with orders, and list whom we owe a refund.")


def _bo_rolls_back(stage: Stage) -> None:
    stage.world.pagerduty.annotate(stage.alerts["checkout"], "Rolling back to 2.30", BO)


def _cara_tells_customers(stage: Stage) -> None:
    text = "We know why orders fail and are undoing the change. Charges without an order are refunded."
    stage.world.pagerduty.status_update(stage.alerts["checkout"], text, CARA)


def _bo_is_done(stage: Stage) -> None:
    stage.say(BO, "2.30 is out everywhere. The error rate is falling: 20 %, 8 %, 1 %.")


def _payments_recover(stage: Stage) -> None:
    stage.world.pagerduty.resolve(stage.alerts["payments"])


def _checkout_recovers(stage: Stage) -> None:
    stage.world.pagerduty.resolve(stage.alerts["checkout"])


def _dee_thanks(stage: Stage) -> None:
    stage.say(DEE, "Orders go through again. We watch it for half an hour. Thank you, all.")


def _at(minutes: int, seconds: int = 0) -> timedelta:
    return timedelta(minutes=minutes, seconds=seconds)


SCENES: tuple[Scene, ...] = (
    Scene(_at(0), _checkout_fails, pause=2),
    Scene(_at(0, 25), _ana_acknowledges, pause=5),
    Scene(_at(0, 50), _ana_looks),
    Scene(_at(1, 10), _dee_leads),
    Scene(_at(1, 45), _cara_answers),
    Scene(_at(2, 20), _payments_follow),
    Scene(_at(3), _cara_raises_the_priority),
    Scene(_at(3, 30), _dee_decides),
    Scene(_at(4), _bo_opens_a_bridge),
    Scene(_at(4, 40), _dee_asks_gus),
    Scene(_at(5, 20), _gus_comes, pause=8),
    Scene(_at(6), _bo_rolls_back),
    Scene(_at(8), _cara_tells_customers),
    Scene(_at(10, 10), _bo_is_done),
    Scene(_at(11), _payments_recover),
    Scene(_at(12), _checkout_recovers),
    Scene(_at(12, 30), _dee_thanks),
)
