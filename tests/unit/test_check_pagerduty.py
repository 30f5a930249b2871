"""What the check finds in PagerDuty: token, sender, webhook, schedules, policies, services."""

import pytest

from integrations.sandbox import pagerduty as standin
from multivac.check import Report
from tests.unit.clinic import HOOK, Clinic, ills, the_ill

pytest_plugins = ["tests.unit.clinic_fixtures"]


def pagerduty(clinic: Clinic) -> Report:
    return clinic.check(only=["pagerduty"])


def resubscribe(clinic: Clinic, url: str = HOOK, *events: str) -> str:
    """Put a webhook in the place of the good one."""
    clinic.sandbox.pagerduty.deliveries.subscribers.clear()
    return clinic.sandbox.pagerduty.subscribe(url, "secret", events=events)


def test_a_wrong_token_is_one_finding_that_says_where_the_right_one_is(clinic: Clinic) -> None:
    clinic.settings["PAGERDUTY__TOKEN"] = "wrong-token"
    found = the_ill(pagerduty(clinic))
    assert (found.level, found.what) == ("FAIL", "the token: PagerDuty does not accept our token.")
    assert "API Access Keys" in found.fix


def test_a_revoked_token_fails(clinic: Clinic) -> None:
    clinic.sandbox.pagerduty.gate.tokens.discard(standin.TOKEN)
    assert "does not accept our token" in the_ill(pagerduty(clinic)).what


def test_a_token_with_half_the_rights_is_explained(clinic: Clinic) -> None:
    clinic.fail("pagerduty", "refuse", "GET /webhook_subscriptions", status=403)
    found = the_ill(pagerduty(clinic))
    assert found.what.startswith("the webhook subscription: PagerDuty does not let us at")
    assert "full access" in found.fix


def test_a_sender_whom_pagerduty_does_not_know_fails(clinic: Clinic) -> None:
    clinic.settings["PAGERDUTY__FROM_EMAIL"] = "bot@example.com"
    found = the_ill(pagerduty(clinic))
    assert (found.level, "bot@example.com, which no user has" in found.what) == ("FAIL", True)


def test_a_sender_that_is_not_named_is_worth_a_look(clinic: Clinic) -> None:
    del clinic.settings["PAGERDUTY__FROM_EMAIL"]
    assert "pagerduty.from_email is not set" in the_ill(pagerduty(clinic)).what


def test_a_webhook_that_leads_elsewhere_is_no_webhook_of_ours(clinic: Clinic) -> None:
    resubscribe(clinic, "https://other.example.com/webhooks/pagerduty")
    found = the_ill(pagerduty(clinic))
    assert found.what == f"no webhook leads to {HOOK}: no alert arrives"
    assert "Generic Webhooks (v3) > New Webhook" in found.fix
    assert "pagerduty.webhook_secrets" in found.fix


def test_a_webhook_that_is_switched_off_fails(clinic: Clinic) -> None:
    clinic.sandbox.pagerduty.deliveries.subscribers[resubscribe(clinic)].active = False
    found = the_ill(pagerduty(clinic))
    assert (found.level, "is switched off" in found.what) == ("FAIL", True)


def test_a_second_webhook_that_is_off_does_no_harm(clinic: Clinic) -> None:
    off = clinic.sandbox.pagerduty.subscribe(HOOK, "old")
    clinic.sandbox.pagerduty.deliveries.subscribers[off].active = False
    assert ills(pagerduty(clinic)) == []


def test_a_webhook_without_new_alerts_fails(clinic: Clinic) -> None:
    resubscribe(clinic, HOOK, "incident.resolved")
    found = the_ill(pagerduty(clinic))
    assert (found.level, "lacks incident.triggered" in found.what) == ("FAIL", True)


def test_a_webhook_that_leaves_some_events_out_is_worth_a_look(clinic: Clinic) -> None:
    resubscribe(clinic, HOOK, "incident.triggered", "incident.resolved")
    found = the_ill(pagerduty(clinic))
    assert found.level == "WARN"
    assert "incident.acknowledged" in found.what
    assert "incident.workflow.started" not in found.what  # goes to the timeline alone


def test_without_a_public_address_no_webhook_is_known_as_ours(clinic: Clinic) -> None:
    del clinic.settings["SERVER__PUBLIC_URL"]
    found = the_ill(pagerduty(clinic))
    assert (found.level, HOOK in found.what) == ("WARN", True)
    assert "server.public_url" in found.fix


def test_an_unknown_schedule_fails_and_its_playbook_is_named(clinic: Clinic) -> None:
    clinic.playbook["invite"] = [{"on_call": {"schedules": ["cx-leeds"]}}]
    found = the_ill(pagerduty(clinic))
    assert (found.level, found.what) == (
        "FAIL",
        'the schedule "cx-leeds" (playbook everything) does not exist',
    )


def test_a_schedule_that_no_policy_uses_is_worth_a_look(clinic: Clinic) -> None:
    account = clinic.sandbox.pagerduty.account
    schedule = account.schedule("cx-leads").id
    for policy in account.policies.values():
        for rule in policy.rules:
            rule.targets = [target for target in rule.targets if target != ("schedule", schedule)]
    found = the_ill(pagerduty(clinic))
    assert (found.level, "is used by no escalation policy" in found.what) == ("WARN", True)


def test_a_policy_is_named_by_its_id(clinic: Clinic) -> None:
    policy = clinic.sandbox.pagerduty.account.policy("Platform")
    clinic.playbook["lead"] = [{"on_call": {"policy": policy.id}}]
    assert ills(pagerduty(clinic)) == []
    clinic.playbook["lead"] = [{"on_call": {"policy": "Platform"}}]
    assert the_ill(pagerduty(clinic)).fix == f"Write its id, {policy.id}."
    clinic.playbook["lead"] = [{"on_call": {"policy": "PXXXXXX"}}]
    assert "Escalation Policies" in the_ill(pagerduty(clinic)).fix


def test_a_service_that_no_alert_can_come_from_is_worth_a_look(clinic: Clinic) -> None:
    clinic.playbook["match"] = {"service": ["CHECKOUT", "kitchen-*"]}
    found = the_ill(pagerduty(clinic))
    assert (found.level, '"kitchen-*"' in found.what) == ("WARN", True)


@pytest.mark.parametrize("named", ["id", "name"])
def test_a_schedule_may_be_named_either_way(clinic: Clinic, named: str) -> None:
    schedule = getattr(clinic.sandbox.pagerduty.account.schedule("cx-leads"), named)
    clinic.playbook["invite"] = [{"on_call": {"schedules": [schedule]}}]
    assert ills(pagerduty(clinic)) == []


def test_webhooks_alone_need_no_token(clinic: Clinic) -> None:
    for name in ("PAGERDUTY__TOKEN", "PAGERDUTY__FROM_EMAIL"):
        del clinic.settings[name]
    (told,) = pagerduty(clinic).verdicts
    assert (told.level, "on for webhooks alone" in told.what) == ("OK", True)
