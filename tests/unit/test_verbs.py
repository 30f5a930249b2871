"""The grammar of what people type: verbs by their first letters, numbers, severities, people, times."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multivac.desk.front import DOES
from multivac.incident import IncidentId, Severity
from multivac.reference import verbs_page
from multivac.shortcuts import SHORTCUTS, Shortcut
from multivac.verbs import (
    VERBS,
    Bare,
    Pointed,
    Right,
    Spoken,
    Unclear,
    Verb,
    Words,
    as_role,
    by_heading,
    read,
    refusal,
    span,
)

ROOT = Path(__file__).parents[2]
LINK = "https://sandbox.slack.com/archives/C012AB3CD/p1700000000000100"
MESSAGE = Pointed(id="1700000000.000100", place="C012AB3CD", link=LINK, author="U012ABC")


def spoken(line: str) -> tuple[str, Words]:
    said = read(line)
    assert isinstance(said, Spoken), said
    return said.verb.name, said.words


def test_the_page_of_verbs_is_current() -> None:
    assert (ROOT / "docs" / "verbs.md").read_text() == verbs_page(), "run `make docs`"


def test_every_verb_is_done_by_something() -> None:
    assert set(DOES) == {verb.name for verb in VERBS}


def test_help_shows_every_verb_under_one_heading() -> None:
    assert sorted(verb.name for _, verbs in by_heading() for verb in verbs) == sorted(v.name for v in VERBS)


# Who may ask what, as the design of the Slack surface has it; here by hand, so that nobody changes it unseen.
RIGHTS = {
    Right.GUEST: {"help", "whoami"},
    Right.MEMBER: {
        *("declare", "list", "show", "timeline", "briefing", "oncall", "search", "join"),
        *("prefs", "subscribe", "unsubscribe"),
        *("page", "escalate", "note", "ask", "subscribe", "unsubscribe", "prefs"),
    },
    Right.RESPONDER: {
        *("lead", "role", "roles", "severity", "impact", "status", "mitigate", "reopen", "rename", "update"),
        *("invite", "task", "checklist", "export", "remind", "reminders", "snooze", "split", "followup"),
        *("link", "ticket", "services", "retry", "continue"),
    },
    Right.LEAD: {
        *("handover", "resolve", "close", "dismiss", "merge", "quiet", "private", "approve", "decline"),
    },
    Right.ADMIN: {"archive", "doctor", "drill"},
}


def test_everybody_may_ask_what_the_design_lets_them() -> None:
    assert {right: {verb.name for verb in VERBS if verb.right is right} for right in Right} == RIGHTS


@pytest.mark.parametrize(
    "verb", [one for one in VERBS if one.right > Right.MEMBER], ids=lambda verb: verb.name
)
def test_whoever_may_not_ask_is_told_in_a_sentence_who_may(verb: Verb) -> None:
    who = {
        Right.RESPONDER: "Only those who respond in INC-7 can ",
        Right.LEAD: "Only the lead (Ana) or a deputy can ",
        Right.ADMIN: "Only those who run Multivac can ",
    }
    told = refusal(verb, number=7, lead="Ana")
    assert told.startswith(who[verb.right])
    assert told.endswith(".")


def test_no_word_means_two_verbs() -> None:
    words = [word for verb in VERBS for word in verb.words]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_a_verb_has_help_and_an_example_that_means_it(verb: Verb) -> None:
    assert verb.help.endswith(".")
    assert spoken(verb.example)[0] == verb.name


def test_first_letters_are_enough_but_for_what_ends_an_incident() -> None:
    assert spoken("tim")[0] == "timeline"
    assert isinstance(read("resol Rolled back"), Unclear)
    assert isinstance(read("s"), Unclear)


def test_a_misspelt_verb_is_guessed_and_not_done() -> None:
    said = read("INC-7 reslove Rolled back")
    assert isinstance(said, Unclear)
    assert (said.near and said.near.name, said.rest, said.number) == ("resolve", "Rolled back", 7)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("accept", "lead accept"),
        ("I’ll take it!", "lead it"),  # noqa: RUF001  # as phones write it
        ("taking the lead", "lead it"),
        ("I take the lead back", "lead it"),
        ("Who is working on this?", "show"),
        ("who's on call for payments", "oncall payments"),
        ("what is going on here?", "briefing"),
        ("summary INC-7", "briefing INC-7"),
        ("summary Nobody can pay", "impact Nobody can pay"),
        ("please hand over to <@U012AB3CD>", "handover <@U012AB3CD>"),
        ("follow up Alert on the queue", "followup Alert on the queue"),
        ("pls resolve Rolled back", "resolve Rolled back"),
    ],
)
def test_a_sentence_that_can_mean_one_thing_only_means_it(said: str, meant: str) -> None:
    assert spoken(said) == spoken(meant)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("status resolved", "resolve"),
        ("INC-7 stat Resolved Rolled back", "INC-7 resolve Rolled back"),
        ("status INC-7 closed", "INC-7 close"),
        ("status dismissed A false alarm", "dismiss A false alarm"),
    ],
)
def test_a_status_that_ends_it_is_the_verb_that_ends_it(said: str, meant: str) -> None:
    assert spoken(said) == spoken(meant)
    assert spoken("status mitigated")[0] == "status"


@pytest.mark.parametrize(
    "said",
    [
        "it is resolved",
        "not sure what happened",
        "no one can pay",
        "in Berlin all is well",
        "service is slow again",
        "rolled back the release just now",
    ],
)
def test_any_other_sentence_is_not_taken_for_a_verb(said: str) -> None:
    line = read(said)
    assert isinstance(line, Unclear)
    assert line.typed == said


@pytest.mark.parametrize(
    "said",
    [
        "done with the rollback, watching the graphs",
        "open question: is the primary up?",
        "cancel that last deploy please",
        "close call, everybody",
        "new errors in the log",
    ],
)
def test_a_sentence_among_people_ends_and_declares_nothing(said: str) -> None:
    assert isinstance(read(said, in_talk=True), Unclear)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("resolve Rolled back", "resolve"),
        ("INC-4 close", "close"),
        ("close INC-4", "close"),
        ("cancel", "dismiss"),
        ("declare Checkout is down sev1", "declare"),
        ("find payments", "search"),
    ],
)
def test_a_verb_that_is_said_plainly_among_people_is_done(said: str, meant: str) -> None:
    line = read(said, in_talk=True)
    assert isinstance(line, Spoken)
    assert line.verb.name == meant


def test_a_line_that_begins_with_a_role_gives_it() -> None:
    roles = {"deputy", "cx lead", "db-expert"}
    assert as_role("deputy me", roles) == "role deputy me"
    assert as_role("CX-Lead <@U012AB3CD>", roles) == "role cx lead <@U012AB3CD>"
    assert as_role("DB expert Bo", roles) == "role db-expert Bo"
    assert as_role("the deputy is away", roles) is None


def test_words_for_the_timeline_are_written_there_and_none_show_it() -> None:
    assert spoken("timeline Rolled back at:14:05") == ("note", Words(text="Rolled back", at="14:05"))
    assert spoken("INC-7 timeline 14 servers hang") == (
        "note",
        Words(number=IncidentId(7), text="14 servers hang"),
    )
    for line in ("INC-7 timeline", "timeline INC-7", "timeline 7"):
        assert spoken(line) == ("timeline", Words(number=IncidentId(7)))


def test_an_incident_is_named_before_or_after_the_verb() -> None:
    assert spoken("INC-7 impact Nobody can pay")[1].number == 7
    assert spoken("impact inc-7 Nobody can pay")[1] == Words(
        number=spoken("INC-7 show")[1].number, text="Nobody can pay"
    )
    assert spoken("show 7")[1].number == 7
    assert spoken("note 7 hosts are down")[1] == Words(text="7 hosts are down")
    assert read("INC-7") == Bare(spoken("show 7")[1].number)


def test_a_severity_is_taken_out_wherever_it_stands() -> None:
    assert spoken("declare Checkout is down SEV-1 drill")[1] == Words(
        severity=Severity.SEV1, flags=frozenset({"drill"}), text="Checkout is down"
    )
    assert spoken("sev sev9")[1].odd == "sev9"


def test_people_are_taken_where_a_verb_asks_for_people_only() -> None:
    assert spoken("lead <@U012ABC|ana>")[1].people == ("U012ABC",)
    assert spoken("note <@U012ABC> rolled back")[1].text == "<@U012ABC> rolled back"


@pytest.mark.parametrize(
    ("line", "people", "text"),
    [
        ("handover <@UBO> ask <@UCY> about it", ("UBO",), "ask <@UCY> about it"),
        ("lead to <@UBO>, not <@UCY>", ("UBO",), "to not <@UCY>"),
        ("page checkout ask <@UCY>", (), "checkout ask <@UCY>"),
        ("page <fay@example.com> help", ("fay@example.com",), "help"),
        ("remind in:20m <@UBO> ask <@UCY>", ("UBO",), "ask <@UCY>"),
        ("remind me in:20m ask <@UCY>", (), "me ask <@UCY>"),
        ("role scribe <@UBO> until <@UCY> is back", ("UBO",), "scribe until <@UCY> is back"),
        ("task add <@UBO> call <@UCY>", ("UBO",), "add call <@UCY>"),
        ("task add ask <@UCY> about it <@UBO>", ("UBO",), "add ask <@UCY> about it"),
        ("task add mail <support@example.com>", (), "add mail <support@example.com>"),
        ("followup ask <@UCY>, then tell <@UBO>.", ("UBO",), "ask <@UCY>, then tell"),
        ("invite <@UBO> and <@UCY>", ("UBO", "UCY"), "and"),
    ],
)
def test_of_several_who_are_mentioned_the_one_is_taken_who_is_meant(
    line: str, people: tuple[str, ...], text: str
) -> None:
    words = spoken(line)[1]
    assert (words.people, words.text) == (people, text)


def test_a_group_is_reminded_that_comes_first_and_else_is_only_spoken_of() -> None:
    words = spoken("remind in:20m <!subteam^S0SRE|@sre> ask <!subteam^S0DBA> then:page")[1]
    assert (words.groups, words.text) == (("S0SRE",), "ask <!subteam^S0DBA>")
    assert words.options == {"then": "page"}
    assert spoken("remind me in:20m ask <!subteam^S0DBA>")[1].groups == ()


def test_quotes_of_a_phone_are_quotes() -> None:
    assert spoken("declare “Checkout is down”")[1].text == "Checkout is down"
    assert spoken("impact “Pay” and “Refund” fail")[1].text == '"Pay" and "Refund" fail'
    assert spoken('page "Payment API"')[1] == Words(text="Payment API", quoted=True)


def test_times_are_read() -> None:
    assert span("1h30m") == timedelta(minutes=90)
    assert span("soon") is None
    assert spoken("note Rolled back at:14:05")[1].at == "14:05"


@pytest.mark.parametrize(
    ("flagged", "bare"),
    [
        ("declare Checkout is down --sev=1 --drill", "declare Checkout is down sev1 drill"),
        ("declare --severity=SEV2 —private Down", "declare sev2 private Down"),  # as phones write it
        (
            "declare Pay --impact=“Nobody can pay” --services=a,b",
            'declare Pay impact:"Nobody can pay" service:a,b',
        ),
        ("note Rolled back --at=14:05", "note Rolled back at:14:05"),
        (
            "remind --in=20m <@UBO> ask --escalate=<@UCY> --until=done",
            "remind in:20m <@UBO> ask escalate:<@UCY> until:done",
        ),
        ("INC-7 resolve --customers=no Rolled back", "INC-7 resolve customers:no Rolled back"),
        ("followup Alert on it --due=friday <@UBO>", "followup Alert on it due:friday <@UBO>"),
        ("update We look again --next=15m", "update We look again next:15m"),
    ],
)
def test_a_flag_means_the_same_as_its_bare_token(flagged: str, bare: str) -> None:
    assert spoken(flagged) == spoken(bare)
    assert "-" not in spoken(flagged)[1].text


def test_a_value_of_several_words_stands_in_quotes() -> None:
    words = spoken('declare Pay --impact="Nobody can pay" now')[1]
    assert (words.text, words.options) == ("Pay now", {"impact": "Nobody can pay"})


@pytest.mark.parametrize(
    ("line", "strange"),
    [
        ("declare Checkout is down --sevrity=1", ("--sevrity=1",)),
        ("declare Checkout is down --sev=9", ("--sev=9",)),
        ('remind me --in="two hours" Look', ('--in="two hours"',)),
        ("note --in=20m Restarted with --force", ("--in=20m", "--force")),
        ("lead me --now", ("--now",)),
        ('declare Down --impact="Nobody can pay', ('--impact="Nobody',)),
        ("note Restarted with `--force`", ()),
        ("note “Restarted with --force”", ()),
        ("note It is slow -- we look —really", ()),
        ("ask resolve --force", ()),  # the verb that is asked for says what it has
    ],
)
def test_a_flag_that_a_verb_does_not_have_is_told_apart_from_its_words(
    line: str, strange: tuple[str, ...]
) -> None:
    words = spoken(line)[1]
    assert words.strange == strange
    assert all(one in words.text for one in strange)


@given(st.text())
def test_whatever_is_typed_is_read(line: str) -> None:
    read(line)


@pytest.mark.parametrize("shortcut", SHORTCUTS, ids=lambda one: one.id)
def test_a_shortcut_says_a_line_that_means_something(shortcut: Shortcut) -> None:
    assert spoken(shortcut.line)[1].message is None
    assert len(shortcut.name) <= 24
    if shortcut.of_message:
        words = spoken(f"{shortcut.line} {MESSAGE.word} sev1 at:14:05 <@U012ABC>")[1]
        assert words.message == MESSAGE
        assert words.text.removeprefix("add ") == "sev1 at:14:05 <@U012ABC>"  # what it says means nothing
        assert (words.people, words.severity, words.at) == ((), None, None)
    assert spoken("note The call comes from:Berlin")[1].text == "The call comes from:Berlin"
