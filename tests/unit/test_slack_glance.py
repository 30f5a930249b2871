"""What the headline and the announcement look like in Slack."""

from dataclasses import replace
from datetime import timedelta

import pytest

from integrations.slack.blocks import render
from multivac.briefing import Announcement, Headline, Held, LatestUpdate, Link, Who
from multivac.incident import Bridge, Severity, Status
from tests.unit.test_slack_blocks import ANA, AT, OPS_12, SHOWN_AT, shown

HEADLINE = Headline(
    number=42,
    title="Checkout returns 500",
    severity=Severity.SEV1,
    status=Status.TRIAGE,
    started_at=AT,
    services=("checkout", "edge"),
    lead=ANA,
    roles=(
        Held(role="cx lead", who=Who(name="Cara Diaz")),
        Held(role="deputy", who=Who(name="Bo Chen")),
    ),
    ticket=OPS_12,
    alerts=(Link(label="PagerDuty 881", url="https://pd.example/incidents/Q1"),),
    bridge=Bridge(url="https://meet.example/abc", phone="+49 30 1234"),
    responders=("Ana Lima", "Bo Chen"),
    on_call_as_of=None,
    next_update_due=None,
    summary="Every second order fails.",
)


def test_the_headline_says_what_a_late_reader_needs() -> None:
    drawn = render(HEADLINE)
    assert drawn.text == (
        "SEV1 incident INC-42: Checkout returns 500. Triage: severity not settled yet. Lead: <@U0ANA>."
    )
    assert shown(drawn) == (
        "🔴 SEV1 · INC-42 · Checkout returns 500\n"
        "Every second order fails.\n"
        "*Status*\nTriage: severity not settled yet\n"
        "*Lead*\n<@U0ANA>\n"
        f"*Started*\n{SHOWN_AT}\n"
        "*Services*\ncheckout, edge\n"
        "*Ticket*\n<https://jira.example/browse/OPS-12|OPS-12>\n"
        "*Alerts*\n<https://pd.example/incidents/Q1|PagerDuty 881>\n"
        "*Conference*\n<https://meet.example/abc|Join the call> or +49 30 1234\n"
        "*Roles:* customer-experience lead Cara Diaz · deputy Bo Chen\n"
        "*Responders:* Ana Lima, Bo Chen\n"
        "Multivac keeps this message up to date."
    )


def test_the_headline_without_a_lead_says_how_to_become_one() -> None:
    assert "*Next:* whoever takes the lead assigns <https://jira.example/browse/OPS-12|OPS-12> to" in shown(
        render(replace(HEADLINE, lead=None))
    )
    without_ticket = shown(render(replace(HEADLINE, lead=None, ticket=None)))
    assert "*Lead*\nnobody yet" in without_ticket
    assert "*Next:* whoever takes the lead says so here." in without_ticket


def test_the_headline_of_a_closed_incident_asks_for_nothing() -> None:
    over = shown(render(replace(HEADLINE, lead=None, status=Status.CLOSED)))
    assert "*Next:*" not in over
    assert "*Lead*\nnobody\n" in over


def test_the_headline_shows_the_age_of_an_old_on_call_list_and_the_promise() -> None:
    told = shown(render(replace(HEADLINE, on_call_as_of=AT, next_update_due=AT)))
    assert f"The pager does not answer: who is on call is as of {SHOWN_AT}." in told
    assert f"*Next update due*\n{SHOWN_AT}" in told


def test_the_headline_leaves_out_what_nobody_knows() -> None:
    bare = replace(
        HEADLINE, services=(), roles=(), ticket=None, alerts=(), bridge=None, responders=(), summary=""
    )
    assert [block["type"] for block in render(bare).blocks] == ["header", "section", "context"]
    assert "Services" not in shown(render(bare))
    assert "Conference" not in shown(render(replace(bare, bridge=Bridge())))


def test_a_conference_may_be_a_number_alone() -> None:
    assert "*Conference*\n+1 555" in shown(render(replace(HEADLINE, bridge=Bridge(phone="+1 555"))))


@pytest.mark.parametrize(
    ("severity", "sign"),
    [("sev1", "🔴 SEV1"), ("sev2", "🟠 SEV2"), ("sev3", "🟡 SEV3"), ("sev4", "🔵 SEV4"), ("sev5", "⚪ SEV5")],
)
def test_a_severity_is_a_sign_and_a_word(severity: str, sign: str) -> None:
    assert shown(render(replace(HEADLINE, severity=Severity(severity)))).startswith(f"{sign} · INC-42")


@pytest.mark.parametrize("status", list(Status))
def test_every_status_is_said_in_words(status: Status) -> None:
    assert f"*Status*\n{status.value.capitalize()}" in shown(render(replace(HEADLINE, status=status)))


ANNOUNCEMENT = Announcement(
    number=42,
    title="Checkout returns 500",
    severity=Severity.SEV2,
    status=Status.ACTIVE,
    started_at=AT,
    lead=Who(name="Ana Lima"),
    channel="inc-42-checkout",
)
UPDATE = LatestUpdate(text="We roll back.\n<!channel>", by="Bo Chen", at=AT)


def test_the_announcement_is_one_line_and_where_to_go() -> None:
    drawn = render(ANNOUNCEMENT)
    assert drawn.text == (
        "SEV2 incident INC-42: Checkout returns 500. Active: people are working on it. "
        "Lead: Ana Lima. Follow it in #inc-42-checkout."
    )
    assert shown(drawn) == (
        "*🟠 SEV2 · INC-42* · Checkout returns 500\n"
        "Active: people are working on it · Lead: Ana Lima · Follow it in #inc-42-checkout"
    )


def test_the_announcement_says_what_users_notice_what_is_new_and_when_more_is_to_be_heard() -> None:
    said = replace(
        ANNOUNCEMENT, lead_accepted=False, impact="Nobody can pay", update=UPDATE, next_update_due=AT
    )
    assert shown(render(said)).split("\n")[1:] == [
        "Active: people are working on it · Lead: Ana Lima, not accepted yet · Follow it in #inc-42-checkout",
        "*Impact:* Nobody can pay",
        f"*Latest update* by Bo Chen, {SHOWN_AT}: We roll back. &lt;!channel&gt;",
        f"*Next update due:* {SHOWN_AT}",
    ]
    over = replace(
        said, status=Status.RESOLVED, ended_at=AT + timedelta(minutes=95), fixed_by="Rolled back 2.31"
    )
    *_, impact, why, end = shown(render(over)).split("\n")
    assert (impact, why) == ("*Impact while it lasted:* Nobody can pay", "*What ended it:* Rolled back 2.31")
    assert end.endswith("UTC>, after 1 hour, 35 minutes")
    none = replace(over, status=Status.DISMISSED, fixed_by="a false alarm")
    assert "\n*Why it was no incident:* a false alarm\n" in shown(render(none))
    assert "not accepted" not in shown(render(over))


def test_the_headline_says_what_stakeholders_were_told_last_until_it_is_over() -> None:
    said = replace(HEADLINE, update=UPDATE)
    line = f"*Latest update* by Bo Chen, {SHOWN_AT}: We roll back. &lt;!channel&gt;"
    assert line in shown(render(said))
    assert line not in shown(render(replace(said, status=Status.RESOLVED, fixed_by="Rolled back")))


def test_the_headline_has_eight_facts_at_most() -> None:
    for told in (
        replace(HEADLINE, next_update_due=AT),
        replace(HEADLINE, status=Status.CLOSED, ended_at=AT),
    ):
        assert [len(block["fields"]) for block in render(told).blocks if "fields" in block] == [8]


def test_a_channel_id_becomes_a_link_to_the_channel() -> None:
    said = replace(ANNOUNCEMENT, lead=None, channel="C0123ABC")
    assert shown(render(said)).endswith("Lead: nobody yet · Follow it in <#C0123ABC>")
    assert shown(render(replace(said, channel=""))).endswith("Lead: nobody yet · Its channel is on its way")


def test_a_title_with_a_full_stop_gets_no_second_one() -> None:
    assert render(replace(HEADLINE, title="It fails.")).text.startswith(
        "SEV1 incident INC-42: It fails. Triage"
    )
