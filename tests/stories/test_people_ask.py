"""People ask in Slack: they declare, look, lead, settle the severity, end it; nobody is left unanswered."""

import re

import pytest

from integrations.sandbox.exchange import Fault
from integrations.sandbox.jira import Jira
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from multivac.incident import Severity, Status
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack, text_of

HEARS = {"slack__signing_secret": "what-slack-signs-with", "slack__admins": "dee@example.com"}


@pytest.fixture
def hearing(multivac: Multivac) -> Multivac:
    """Multivac, which hears what people do in Slack."""
    multivac.start(settings=HEARS)
    return multivac


@pytest.fixture
def alert(hearing: Multivac, pagerduty: PagerDuty, clock: Clock) -> str:
    """A P1 on checkout, led by Ana; everybody has done their part."""
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    return alert


def test_a_title_is_enough_to_declare(hearing: Multivac, slack: Slack, clock: Clock) -> None:
    told = slack.asks("Cy", "declare Card payments fail sev1")
    clock.settle()
    assert "INC-1 is declared as SEV1" in told
    room = slack.channel("inc-1")
    assert room.name == "inc-1-card-payments-fail"
    assert "Cy" in room.members
    assert "Declared by Cy" in room.headline
    assert hearing.incident().severity_by == "cy@example.com"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_a_flag_is_read_and_a_strange_one_never_becomes_part_of_a_title(
    hearing: Multivac, slack: Slack, clock: Clock
) -> None:
    told = slack.asks("Cy", "declare Card payments fail --sevrity=1")
    assert "`--sevrity=1`. Nothing was done." in told
    assert '`--severity=sev1` `--private` `--drill` `--service=payments` `--impact="Nobody can pay"`' in told
    slack.asks("Cy", 'declare Card payments fail --sev=1 --service=checkout —impact="Nobody can pay"')
    clock.settle()
    case = hearing.incident()
    assert (case.title, case.severity, case.impact) == ("Card payments fail", Severity.SEV1, "Nobody can pay")
    assert case.alerts.services == ("checkout",)
    assert "“lead” has no flags" in slack.asks("Cy", "lead me --now", channel="inc-1")
    assert "`--force`" in slack.asks("Cy", "note Ran kubectl delete --force", channel="inc-1")
    assert "It is in the timeline." in slack.presses("Cy", "Keep it as words", channel="inc-1")
    assert "Ran kubectl delete `--force`" in slack.asks("Cy", "timeline", channel="inc-1")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_whoever_declared_it_or_asked_to_come_in_acts_before_there_is_a_channel(
    hearing: Multivac, slack: Slack, clock: Clock, world: World
) -> None:
    world.fail(Fault("slack", "conversations.create", "refuse", times=0, error="restricted_action"))
    slack.asks("Bo", "declare Card payments fail sev3")
    clock.settle()
    assert "You are the lead of INC-1 now" in slack.asks("Bo", "INC-1 lead me")
    assert "Only those who respond" in slack.asks("Cy", "INC-1 severity sev2")
    assert "as soon as that is open" in slack.asks("Cy", "INC-1 join")
    assert "INC-1 is SEV2 now" in slack.asks("Cy", "INC-1 severity sev2")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_while_slack_does_not_say_who_somebody_is_the_lead_stays_the_lead_and_a_guest_a_guest(
    alert: str, hearing: Multivac, slack: Slack, clock: Clock, *, world: World
) -> None:
    slack.presses("Ana", "Accept", channel="inc-1", kind="lead told")
    slack.standin.space.people[slack.id_of("Cy")].guest = True
    slack.standin.person_joins(slack.channel("inc-1").name, slack.person("Cy"))
    clock.forward(days=1, minutes=10)
    world.fail(Fault("slack", "users.info", "rate_limit", times=0, retry_after=30))
    assert "wait until" in slack.asks("Ana", "quiet 30m", channel="inc-1")
    told = slack.asks("Cy", "lead me", channel="inc-1")
    assert "Slack does not say at the moment who" in told
    assert "Ask again in a minute" in told
    assert hearing.lead() == "Ana Silva"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_who_takes_the_lead_when_nobody_was_asked_is_said_to_lead(
    hearing: Multivac, slack: Slack, clock: Clock
) -> None:
    slack.asks("Cy", "declare Card payments fail sev1")
    clock.settle()
    assert slack.channel("inc-1").said("lead told") == []
    slack.asks("Bo", "INC-1 lead me", channel="inc-1")
    clock.settle()
    (told,) = slack.channel("inc-1").said("lead told")
    assert "leads this incident, accepted <!date^" in told
    assert "*Lead*\nBo Lindqvist" in slack.channel("inc-1").headline


def test_the_bare_command_opens_a_form_that_needs_nothing_but_a_title(
    hearing: Multivac, slack: Slack, clock: Clock
) -> None:
    slack.asks("Cy", "")
    assert slack.form()["title"]["text"] == "Declare an incident"
    assert slack.sends("Cy", title=" ") == {"title": "Write in a few words what is wrong."}
    assert slack.sends("Cy", title="Search is slow", flags=["drill"], service="search, index") == {}
    clock.settle()
    case = hearing.incident()
    assert case.alerts.services == ("search", "index")
    assert (case.title, case.severity, case.severity_by, case.drill) == (
        "Drill: Search is slow",
        Severity.SEV2,
        None,
        True,
    )


@pytest.mark.every_database
def test_a_drill_says_so_wherever_it_stands_and_pages_nobody(
    hearing: Multivac, slack: Slack, clock: Clock, jira: Jira, *, pagerduty: PagerDuty
) -> None:
    told = slack.asks("Cy", "declare The database is gone sev1 drill")
    assert "This is a drill: page nobody" in told
    clock.settle()
    room = slack.channel("inc-1")
    (checklist,) = room.said("checklist")
    assert "Drill: First 5 minutes" in checklist
    assert "Drill, only say it here: Tell customers that you are looking into it." in checklist
    assert room.name == "inc-1-drill-the-database-is-gone"
    for told in (room.headline, room.topic, *slack.channel("incidents").said("announcement")):
        assert "Drill: The database is gone" in told
    assert "Drill: The database is gone" in jira.issue("OPS-1")["fields"]["summary"]
    assert "This is a drill: nobody is paged" in slack.asks("Cy", "page @bo Help", channel="inc-1")
    slack.asks("Cy", "rename The index is gone", channel="inc-1")
    slack.asks("Cy", "lead me", channel="inc-1")
    clock.settle()
    assert "leads this incident, accepted" in slack.channel("inc-1").said("lead told")[0]  # asked by nobody
    slack.asks("Cy", "status dismissed", channel="inc-1")  # it never ends without a word or a form
    assert slack.sends("Cy", reason="cancelled", text="It was practice") == {}
    clock.settle()
    why = "cancelled, it is not needed any more (It was practice)"
    assert f"Cy Tanaka dismissed it as no incident: {why}" in hearing.timeline()
    assert f"*Why it was no incident:* {why}" in slack.channel("inc-1").headline
    assert f"*Why it was no incident:* {why}" in slack.channel("incidents").said("announcement")[0]
    assert f"Why it was no incident: {why}" in slack.asks("Cy", "INC-1 briefing")
    assert "INC-1 is dismissed already. Cy Tanaka said so at" in slack.asks("Cy", "INC-1 dismiss")
    assert "Drill: The index is gone" in slack.channel("inc-1").headline
    assert hearing.incident().summons == ()


@pytest.mark.every_database
def test_those_who_run_multivac_begin_a_named_drill_and_no_figure_counts_it(
    hearing: Multivac, slack: Slack, clock: Clock
) -> None:
    shown = slack.asks("Cy", "drill")
    assert "database-gone: SEV1, The main database does not answer" in shown
    assert "Only those who run Multivac can begin one" in shown
    assert "Only those who run Multivac can begin one" in slack.asks("Cy", "drill database-gone")
    assert "database-gone: SEV1, The main database does not answer" in slack.asks("Dee", "drill")
    assert "Did you mean `database-gone`?" in slack.asks("Dee", "drill databse-gone")
    assert "This is a drill" in slack.presses("Dee", "database-gone", channel="general")
    slack.asks("Cy", "declare Search is slow sev2")
    slack.asks("Cy", "declare Data leak sev1 private")
    clock.settle()
    case = hearing.incident(1)
    assert (case.title, case.drill, case.impact) == (
        "Drill: The main database does not answer",
        True,
        "Nobody can pay.",
    )
    assert "One of the two is a drill" in slack.asks("Dee", "INC-2 merge INC-1")
    hearing.running.beat.measure()
    for severity, number in (("sev1", 1), ("sev2", 1)):
        assert hearing.metric("multivac_incidents_open", severity=severity) == number
        declared = hearing.metric("multivac_incidents_declared_total", severity=severity, source="people")
        assert declared == number
    assert "leak" not in hearing.metrics().lower()


def test_a_word_nobody_knows_gets_a_near_one_and_a_button_that_does_it(
    alert: str, hearing: Multivac, slack: Slack, clock: Clock
) -> None:
    told = slack.asks("Ana", "mitgate Rolled back", channel="inc-1")
    assert "I do not know “mitgate”. Did you mean mitigate?" in told
    slack.presses("Ana", "Run: mitigate Rolled back", channel="inc-1")
    clock.settle()
    assert hearing.incident().status is Status.MITIGATED
    assert "What shall I do with “take it back”?" in slack.asks("Ana", "take it back")  # not a task


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_what_people_say_who_know_no_verbs_is_understood_or_can_be_declared_or_noted(
    alert: str, hearing: Multivac, slack: Slack, clock: Clock
) -> None:
    told = slack.asks("Cy", "the checkout is <!channel> down again", channel="inc-1")
    assert told.split("\n")[1:] == [
        "Add to the timeline",
        "Declare “the checkout is @\u2060channel down again”",  # pings nobody
        "Help",
    ]
    offered = slack.standin.channel(slack.channel("inc-1").id).ephemerals[-1]["blocks"][-1]["elements"]
    assert [one["text"]["text"] for one in offered if "confirm" in one] == told.split("\n")[2:3]
    slack.presses("Cy", "Add to the timeline", channel="inc-1")
    clock.settle()
    assert "Cy Tanaka: the checkout is @channel down again" in hearing.timeline()
    assert "Ana Silva is asked to lead INC-1, not you" in slack.asks("Bo", "accept", channel="inc-1")
    assert "You are the lead of INC-1 now" in slack.asks("Bo", "I'll take it!", channel="inc-1")
    assert "has accepted to lead INC-1" in slack.asks("Cy", "accept", channel="inc-1")
    assert "You are the deputy of INC-1 now" in slack.asks("Dee", "deputy me", channel="inc-1")
    assert "is the scribe of INC-1 now" in slack.asks("Bo", "scribe ana", channel="inc-1")
    assert "Who is “zoe”?" in slack.asks("Bo", "cx lead Zoe", channel="inc-1")
    told = slack.asks("Gus", "INC-1 who is working on this?")
    assert "led by Bo Lindqvist" in told
    assert "Roles: deputy Dee Okafor · scribe Ana Silva" in told
    assert "In the channel: Ana Silva, Bo Lindqvist, Dee Okafor" in told


def test_who_takes_the_lead_has_it_and_the_headline_says_so(
    alert: str, hearing: Multivac, slack: Slack, clock: Clock
) -> None:
    assert "You are the lead of INC-1 now" in slack.asks("Bo", "lead me", channel="inc-1")
    clock.settle()
    assert hearing.lead() == "Bo Lindqvist"
    assert "*Lead*\nBo Lindqvist" in slack.channel("inc-1").headline


def test_the_lead_accepts_by_a_button_and_the_call_is_edited(
    alert: str, hearing: Multivac, slack: Slack, clock: Clock
) -> None:
    assert "Thank you" in slack.presses("Ana", "Accept", channel="inc-1", kind="lead told")
    clock.settle()
    (call,) = slack.channel("inc-1").said("lead told")
    assert "accepted" in call
    assert "Accept\n" not in call
    assert "already" in slack.asks("Ana", "lead me", channel="inc-1")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_an_accepted_lead_is_given_to_a_third_by_nobody_but_the_lead(
    alert: str, hearing: Multivac, slack: Slack, clock: Clock
) -> None:
    slack.asks("Ana", "lead me", channel="inc-1")
    cara = slack.id_of("Cara")
    no = "Ana Silva has accepted to lead INC-1: only they or a deputy can give the lead to another."
    for line in (f"lead <@{cara}>", f"role lead <@{cara}>"):
        assert no in slack.asks("Bo", line, channel="inc-1")
    slack.asks("Bo", "roles", channel="inc-1")
    slack.sends("Bo", lead=cara, scribe=slack.id_of("Bo"))
    assert no in text_of(slack.form())
    assert "scribe" not in hearing.incident().roles
    assert "Ana Silva is asked" in slack.presses_on_page("Bo", "Ask Ana Silva to approve")
    clock.settle()
    assert "asks to hand over the lead of INC-1.\nlead @Cara Mbeki" in slack.direct("Ana")[-1].replace(
        "*", ""
    )
    slack.presses_in_direct("Ana", "Approve")
    clock.settle()
    assert hearing.lead() == "Cara Mbeki"
    assert hearing.incident().roles["lead"].accepted_at is None  # she is asked, as by any handover
    slack.asks("Bo", f"lead <@{slack.id_of('Dee')}>", channel="inc-1")  # nobody is put out by that
    assert hearing.lead() == "Dee Okafor"


def test_settling_the_severity_ends_triage_and_alerts_move_it_no_more(
    alert: str, hearing: Multivac, slack: Slack, clock: Clock, pagerduty: PagerDuty
) -> None:
    slack.presses("Ana", "Settle severity", channel="inc-1", kind="headline")
    assert slack.sends("Ana", severity="sev3", reason="Only the app") == {}
    clock.settle()
    case = hearing.incident()
    assert (case.severity, case.status) == (Severity.SEV3, Status.ACTIVE)
    assert "SEV3" in slack.channel("inc-1").topic
    assert "Severity SEV1 → SEV3, settled by Ana Silva: Only the app" in hearing.timeline()
    pagerduty.set_priority(alert, "P2", by="bo@example.com")
    clock.settle()
    assert hearing.incident().severity is Severity.SEV3


def test_only_the_lead_resolves_and_everything_says_that_it_is_over(
    alert: str, hearing: Multivac, slack: Slack, clock: Clock
) -> None:
    for line in ("resolve Rolled back", "status resolved"):
        refused = slack.asks("Bo", line, channel="inc-1")
        assert "Only the lead (Ana Silva) or a deputy can resolve INC-1" in refused
    slack.presses("Bo", "Ask Ana Silva to approve", channel="inc-1")
    assert slack.sends("Bo", fixed="Rolled back") == {}
    clock.settle()
    assert "Bo Lindqvist asks Ana Silva to approve: resolve Rolled back" in hearing.timeline()
    clock.forward(minutes=2)
    slack.asks("Ana", "mitigate", channel="inc-1")
    at = int(clock.now().timestamp())
    clock.forward(minutes=5)
    slack.asks("Ana", "status resolved", channel="inc-1")
    (when,) = (one["element"] for one in slack.form()["blocks"] if one["block_id"] == "mitigated")
    assert abs(when["initial_date_time"] - at) <= 1
    assert slack.sends("Ana", fixed="Rolled back", mitigated=str(at + 600)) == {
        "mitigated": "That is still to come. Pick when it happened."
    }
    long_ago = slack.sends("Ana", fixed="Rolled back", mitigated=str(at - 86400))
    assert long_ago == {"mitigated": "That is before it began. Pick a later time."}
    assert slack.sends("Ana", fixed=" ") == {
        "fixed": "Write in a few words what fixed it, or that nobody knows."
    }
    earlier = str(at - 60)
    told = {"impact": "Nobody could pay", "customers": "yes"}
    assert slack.sends("Ana", fixed="Rolled back", mitigated=earlier, **told) == {}
    clock.settle()
    assert hearing.incident().status is Status.RESOLVED
    room = slack.channel("inc-1")
    assert f" (mitigated <!date^{earlier}^" in room.headline
    (line,) = room.said("end line")
    assert f"\nMitigated <!date^{earlier}^" in line
    assert line.endswith("\nCustomers were hit.")
    assert "Ana Silva says: Customers were hit." in hearing.timeline()
    assert "Ana Silva says it was mitigated by then" in hearing.timeline()
    assert "\nMitigated <!date^" in slack.asks("Bo", "briefing", channel="inc-1")
    assert "*Status*\nResolved" in room.headline
    assert "Nobody could pay" in room.headline
    assert "Resolved" in slack.channel("incidents").said("announcement")[0]


def test_a_lead_of_whom_nothing_was_seen_for_half_an_hour_holds_nobody_up(
    alert: str, hearing: Multivac, slack: Slack, clock: Clock
) -> None:
    clock.forward(minutes=31)
    slack.asks("Bo", "resolve It is over", channel="inc-1")
    clock.settle()
    assert hearing.incident().status is Status.RESOLVED


def test_a_verb_outside_an_incident_is_about_the_only_one_of_theirs_or_asks_which(
    alert: str, hearing: Multivac, slack: Slack, clock: Clock
) -> None:
    assert "Which one do you mean?\nINC-1 Checkout returns 500" in slack.asks("Gus", "timeline")
    told = slack.asks("Ana", "impact Nobody can pay")
    assert "This is about INC-1 Checkout returns 500, the only open one" in told
    slack.asks("Ana", "resolve")
    assert "This is about INC-1 Checkout returns 500" in text_of(slack.form())
    slack.standin.closes(slack.person("Ana"), slack.form()["id"])
    slack.asks("Ana", "declare Search is slow sev4")
    assert "can say what users notice. Join first: `/incident INC-1 join`." in slack.asks(
        "Cy", "INC-1 impact It is fine"
    )
    assert "It is in the timeline." in slack.asks("Cy", "INC-1 note The bank has called")
    clock.settle()
    assert "Cy Tanaka: The bank has called" in hearing.timeline()
    assert "*Impact:* Nobody can pay" in slack.channel("inc-1").headline
    assert "Which one do you mean?" in slack.asks("Ana", "resolve It is over")
    assert "INC-2 is resolved" in slack.presses("Ana", "INC-2 Search is slow", channel="general")
    assert "No incident has ended" not in slack.asks("Ana", "reopen It is back")
    assert "INC-2 is active now." in slack.presses("Ana", "INC-2 Search is slow", channel="general")
    assert "No incident is resolved, so there is none to close." in slack.asks("Ana", "close")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_a_direct_message_and_a_mention_are_commands_and_whom_they_mention_is_meant(
    alert: str, hearing: Multivac, slack: Slack, clock: Clock, world: World
) -> None:
    ids = {who: f"<@{slack.id_of(who)}>" for who in ("Bo", "Cara", "Dee", "Gus")}
    us = f"<@{slack.standin.space.bot.id}>"
    assert "Cara Mbeki is the lead of INC-1" in slack.writes_to_us("Ana", f"INC-1 lead {ids['Cara']}")
    told = slack.writes_to_us("Ana", f"role scribe to {ids['Dee']}")
    assert "This is about INC-1 Checkout returns 500" in told
    assert "PagerDuty is asked to page Dee Okafor" in slack.writes_to_us("Ana", f"page {ids['Dee']} Help us")
    slack.writes_to_us("Ana", f"note {ids['Bo']} told <#{slack.channel('incidents').id}|> of it")
    assert "Ana Silva: @Bo Lindqvist told #incidents of it" in hearing.timeline()
    clock.settle()
    assert (hearing.lead(), hearing.incident().roles["scribe"].person.name) == ("Cara Mbeki", "Dee Okafor")
    (announced,) = slack.channel("incidents").ours("announcement")
    told = slack.calls_us(
        "Bo", f"{ids['Gus']} {us}: role deputy {ids['Bo']}", channel="incidents", thread=announced["ts"]
    )
    assert "You are the deputy of INC-1 now" in told
    told = slack.calls_us("Bo", f"{us} update", channel="incidents", thread=announced["ts"])
    assert "This needs a form, which only a button can open." in told
    slack.presses("Bo", "Open the form", channel="incidents")
    assert "INC-1" in slack.form()["private_metadata"]
    slack.standin.closes(slack.person("Bo"), slack.form()["id"])
    told = slack.calls_us("Cara", f"{us} cancel that last deploy please", channel="inc-1")
    assert "Did you mean dismiss?" in told
    assert hearing.incident().status.is_open
    slack.writes_to_us("Cara", "INC-1 resolve")
    slack.presses_in_direct("Cara", "Open the form")
    assert "resolve" in slack.form()["private_metadata"]
    slack.standin.closes(slack.person("Cara"), slack.form()["id"])
    world.fail(Fault("slack", "views.open", error="expired_trigger_id"))
    assert "Open the form" in slack.asks("Cara", "resolve", channel="inc-1")
    world.fail(Fault("slack", "response_url", "server_error"))
    slack.standin.commands("general", slack.person("Gus"), "list")
    slack.wait_for(lambda: "Checkout returns 500" in "".join(slack.direct("Gus")), "the answer another way")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_who_waits_for_more_than_a_second_is_told_that_they_were_heard(
    hearing: Multivac, slack: Slack, world: World
) -> None:
    world.fail(Fault("pagerduty", "GET /oncalls", "hold"))
    place = slack.standin.open_direct(slack.id_of("Cy"))
    slack.standin.person_says(place, slack.person("Cy"), "oncall")
    slack.wait_for(lambda: world.held == 1, "somebody who waits")
    world.clock.forward(1.5)
    slack.wait_for(lambda: slack.direct("Cy") == ["On it…"], "a word that it takes longer")
    world.release()
    slack.wait_for(lambda: "On call" in "".join(slack.direct("Cy")), "the answer in its place")
    assert len(slack.direct("Cy")) == 1
    world.fail(Fault("pagerduty", "GET /oncalls", "hold"))
    slack.standin.shortcuts(slack.person("Cy"), "multivac-oncall")
    slack.wait_for(lambda: world.held == 1, "somebody who waits")
    world.clock.forward(1.5)
    slack.wait_for(lambda: "On it…" in text_of(slack.form()), "a word that it takes longer")
    world.release()
    slack.wait_for(lambda: "On call" in text_of(slack.form()), "the answer in its place")


def test_a_private_incident_is_unknown_to_whoever_is_not_in_it(
    hearing: Multivac, slack: Slack, clock: Clock
) -> None:
    slack.asks("Cy", "declare Data leak private sev1")
    clock.settle()
    assert slack.channel("inc-1").is_private
    assert "No incident is open" in slack.asks("Bo", "list")
    for line in ("show INC-1", "INC-1 timeline", "INC-1 note hello"):
        assert "There is no INC-1" in slack.asks("Bo", line)
    assert "Data leak" in slack.asks("Cy", "list")


def test_help_and_the_list_answer_anywhere(alert: str, hearing: Multivac, slack: Slack) -> None:
    short = slack.asks("Cy", "help")
    assert "*The end* `resolve` `close`" in short
    assert short.count("\n") < 10
    assert "Write one of these, here" in slack.writes_to_us("Cy", "help")
    assert "resolve [what fixed it]" in slack.presses("Cy", "What each of them does", channel="general")
    assert "`/incident severity sev2 Only the app is affected`" in slack.asks("Cy", "help severity")
    assert "INC-1 · SEV1 · triage · Checkout returns 500 · led by Ana Silva" in slack.asks("Cy", "list")


def test_what_is_mine_is_where_i_have_a_role_or_a_task_or_am_and_says_which(
    alert: str, hearing: Multivac, slack: Slack, clock: Clock
) -> None:
    slack.asks("Dee", "role deputy me", channel="inc-1")
    slack.asks("Ana", f"task add Call the bank <@{slack.id_of('Dee')}>", channel="inc-1")
    slack.asks("Cy", "declare Search is slow sev4")
    clock.settle()
    assert slack.asks("Dee", "list mine").endswith("> · you: deputy, 1 task")
    assert slack.asks("Bo", "list mine").endswith("> · you: in the channel")
    told = slack.asks("Cy", "list mine")
    assert "INC-1" not in told
    assert told.endswith("> · you: declared it")
    assert "you:" not in slack.asks("Dee", "list")
    assert "No open incident is yours: you have no role or task" in slack.asks("Gus", "list mine")
    slack.asks("Dee", "remind me in:20m Look at the queue", channel="inc-1")
    slack.asks("Cy", "oncall")  # so that the page need not ask
    page = slack.opens_home("Dee")
    assert "> · you: deputy, 1 task" in page
    assert "*On call*\nCommerce: Ana Silva (level 1)" in page
    assert "*Your tasks*\nINC-1 · 1. Call the bank" in page
    assert "UTC>: Look at the queue" in page
    assert "Roles: deputy Dee Okafor" in slack.presses_on_page("Dee", "Show INC-1")
    slack.standin.closes(slack.person("Dee"), slack.form()["id"])
    assert "Commerce: Ana Silva (level 1)" in slack.presses_on_page("Dee", "Who is on call?")
    slack.standin.closes(slack.person("Dee"), slack.form()["id"])
    slack.presses_on_page("Dee", "Done: 1. Call the bank")
    homes = slack.standin.space.homes
    slack.wait_for(lambda: "Call the bank" not in str(homes[slack.id_of("Dee")]), "the page drawn again")


@pytest.mark.every_database
def test_who_somebody_is_and_how_multivac_is_can_be_asked(
    alert: str, hearing: Multivac, slack: Slack, clock: Clock, world: World
) -> None:
    told = slack.asks("Ana", "whoami", channel="inc-1")
    assert "ana@example.com" in told
    assert "You are on call for Commerce" in told
    assert "You can do everything in INC-1." in told
    assert "Times you type are by " in told
    assert "Language: English, " in told
    assert "You are not on call." in slack.asks("Cy", "whoami")
    refused = slack.asks("Ana", "doctor")
    assert "Only those who run Multivac can ask how Slack, Jira and PagerDuty fare." in refused
    assert refused.endswith("They are: Dee Okafor.")
    world.fail(Fault("jira", "PUT /issue/{key}/assignee", "refuse", times=0, status=400))
    slack.asks("Bo", f"lead <@{slack.id_of('Cara')}>", channel="inc-1")
    clock.settle()
    told = slack.asks("Dee", "doctor")
    assert "Slack: last did what was asked" in told
    (line,) = [one for one in told.splitlines() if "INC-1" in one]
    assert re.fullmatch(
        r"INC-1, since <!date[^>]+>: The ticket is not assigned to the lead "
        r"\(Jira cannot make .*[^.]\)\. Multivac tries again every 10 minutes\.",
        line,
    ), line
    assert "Multivac 0." in told
