"""The check looks at where heartbeat and pages go, tries neither, and says so."""

import pytest

from tests.unit.clinic import Clinic, ills, the_ill

pytest_plugins = ["tests.unit.clinic_fixtures"]

KEY = "0123456789abcdefghijABCDEFGHIJxy"


@pytest.fixture
def watched(clinic: Clinic) -> Clinic:
    clinic.settings |= {
        "WATCH__HEARTBEAT_URL": f"{clinic.sandbox.url}/heartbeat/a-secret-part",
        "WATCH__ROUTING_KEY": KEY,
        "WATCH__EVENTS_URL": f"{clinic.sandbox.url}/pagerduty",
    }
    return clinic


def test_what_cannot_be_tried_is_said_and_nobody_is_called(watched: Clinic) -> None:
    report = watched.check(only=["watch"])
    told = [each.what for each in report.verdicts]
    assert ills(report) == []
    assert told[0].endswith("can be looked up; not called: that would say that all is well")
    assert told[1].endswith("not sent: that would page somebody")
    assert told[2].endswith("no event was sent")
    assert watched.sandbox.world.exchanges == []
    assert KEY not in report.text()
    assert "a-secret-part" not in report.text()


def test_without_the_settings_it_says_what_nobody_will_notice(clinic: Clinic) -> None:
    report = clinic.check(only=["watch"])
    assert ills(report) == []
    assert [each.what.partition(",")[0] for each in report.verdicts] == [
        "nobody notices a silent Multivac",
        "nobody is paged about Multivac itself",
    ]


@pytest.mark.parametrize(
    ("setting", "value", "what"),
    [
        ("ROUTING_KEY", KEY[1:], "watch.routing_key is no integration key"),
        ("ROUTING_KEY", f"{KEY[1:]}-", "watch.routing_key is no integration key"),
        (
            "HEARTBEAT_URL",
            "https://hearts.invalid/x",
            "watch.heartbeat_url is at hearts.invalid, which cannot",
        ),
        ("EVENTS_URL", "https://events.invalid", "watch.events_url is at events.invalid, which cannot"),
    ],
)
def test_what_cannot_work_is_told(watched: Clinic, setting: str, value: str, what: str) -> None:
    watched.settings[f"WATCH__{setting}"] = value
    assert the_ill(watched.check(only=["watch"])).what.startswith(what)


def test_another_region_is_told_and_offline_looks_nothing_up(watched: Clinic) -> None:
    watched.settings |= {
        "WATCH__EVENTS_URL": "https://events.pagerduty.com",
        "WATCH__HEARTBEAT_URL": "https://hearts.invalid/x",
        "PAGERDUTY__API_URL": "https://api.eu.pagerduty.com",
    }
    report = watched.check(only=["watch"], offline=True)
    assert the_ill(report).what.endswith("and pagerduty.api_url is in another region")
    assert sum(each.what.endswith("not looked up, as told") for each in report.verdicts) == 2
