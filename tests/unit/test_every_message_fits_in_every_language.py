"""Whatever we tell people fits into Slack in every language, and no English of ours is left in another.

The pseudo language makes each text four tenths longer and accents its vowels; what fills the gaps of these
samples is in capitals and digits. So a small plain vowel is a word that no translator is ever asked for.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

import multivac.desk
from integrations.sandbox.slack_blocks import checked_blocks
from integrations.slack.blocks import draw_home, render
from integrations.slack.forms import draw_form
from multivac.app import Daemon
from multivac.briefing import (
    Announcement,
    Answer,
    Asked,
    CaughtUp,
    ChangeLine,
    Checklist,
    Ended,
    Field,
    FollowUp,
    Form,
    Gaps,
    Headline,
    Held,
    Home,
    Late,
    LatestUpdate,
    LeadCall,
    Link,
    Message,
    Nudge,
    OperatorNotice,
    Press,
    Reminding,
    ResolutionProposed,
    StormLine,
    StormNotice,
    TaskLine,
    Turn,
    Update,
    UpdateDue,
    Who,
    clock_time,
)
from multivac.desk import Ask, Desk
from multivac.desk.approving import decline_form
from multivac.desk.correcting import link_form
from multivac.desk.reminding import pass_form
from multivac.desk.splitting import split_form
from multivac.desk.updating import Draft, before_sending
from multivac.incident import Bridge, IncidentId, Severity, Status, TaskState
from multivac.playbook import Playbook
from multivac.settings import load_settings
from multivac.store import incidents, migrate
from multivac.store import people as directory
from multivac.tongue import LANGUAGES, PSEUDO, speaking

ROOT = Path(__file__).parents[2]
EVERY = (*LANGUAGES, PSEUDO)
AT = datetime(2026, 11, 22, 14, 3, tzinfo=UTC)
ANA, BO = Who(name="ANA", chat_id="U0ANA"), Who(name="BO")
OPS_12 = Link(label="OPS-12", url="https://jira.example/browse/OPS-12")
PRESSES = (Press(label="P1", line="help", stands_out=True), Press(label="P2", line="list", confirm="C2"))


def task(state: TaskState, **known: Any) -> TaskLine:
    press = Press(label="P3", line="INC-1 task done T1") if state is TaskState.OPEN else None
    line = TaskLine(text="T1", state=state, role="cx lead", link="https://ci.example", why_skipped="")
    return replace(line, done=press, take=press, skip=press, **known)


TASKS = (
    task(TaskState.OPEN),
    task(TaskState.OPEN, owner="BO", role="deputy"),
    task(TaskState.DONE, role="scribe"),
    task(TaskState.DONE, by="BO", at=AT),
    task(TaskState.SKIPPED, role="lead"),
    task(TaskState.SKIPPED, by="BO"),
    task(TaskState.SKIPPED, why_skipped="W1"),
)
UNPRESSED = tuple(replace(one, done=None, take=None, skip=None) for one in TASKS)
HEADLINE = Headline(
    number=42,
    missing=("G1",),
    rarer=(Press(label="P8", line="INC-42 roles"),),
    links=(Link(label="L1", url="https://e.com/l1"),),
    title="T1",
    severity=Severity.SEV1,
    status=Status.TRIAGE,
    started_at=AT,
    services=("S1", "S2"),
    lead=ANA,
    lead_accepted=False,
    roles=(Held(role="cx lead", who=BO), Held(role="deputy", who=ANA)),
    ticket=OPS_12,
    alerts=(Link(label="881", url="https://pd.example/1"), Link(label="", url="https://pd.example/2")),
    bridge=Bridge(url="https://meet.example/1", phone="+49 30 1234"),
    responders=("ANA", "BO"),
    on_call_as_of=AT,
    next_update_due=AT,
    summary="S1",
    impact="I1",
    update=LatestUpdate(text="U1", by="BO", at=AT),
    latest="L1",
    presses=PRESSES,
)
UNLED = replace(HEADLINE, lead=None, presses=())
ANNOUNCEMENT = Announcement(
    number=42,
    title="T1",
    severity=Severity.SEV2,
    status=Status.ACTIVE,
    started_at=AT,
    lead=BO,
    channel="INC-42-T1",
    impact="I1",
    update=LatestUpdate(text="U1", by="BO", at=AT),
    next_update_due=AT,
)
CHECKLIST = Checklist(title="T1", tasks=TASKS, next_title="T2", next_at=AT, occurrence=2)
LEAD_CALL = LeadCall(
    lead=ANA,
    ticket=OPS_12,
    cx_lead=BO,
    brief=("B1",),
    then=Turn(at=AT, who=("BO", "CY")),
    late=Late(call=("BO",)),
    presses=PRESSES,
)
DUE = UpdateDue(due_at=AT, every=timedelta(minutes=30), lead=ANA, rounds=2, presses=PRESSES)
UPDATE = Update(
    text="T1", by="BO", severity=Severity.SEV1, status=Status.ACTIVE, next_at=AT, was=Severity.SEV2, number=42
)
STORM = StormNotice(
    since=AT,
    over_at=None,
    incidents=7,
    waiting=4,
    severe=2,
    ended=1,
    worst=(
        StormLine(number=1, severity=Severity.SEV1, title="T1", channel="C0123ABC"),
        StormLine(number=2, severity=Severity.SEV3, title="T2", channel=""),
    ),
    unlisted=3,
    every=timedelta(seconds=30),
)

SAMPLES: Sequence[Message] = (
    Answer(
        lines=("L1", f"{clock_time(AT)} https://t1.slack.com/archives/C0123ABC/p1"),
        title="T1",
        presses=PRESSES,
    ),
    HEADLINE,
    *(replace(UNLED, status=status) for status in Status),
    replace(UNLED, ticket=None, bridge=Bridge(url="https://meet.example/1")),
    ANNOUNCEMENT,
    replace(ANNOUNCEMENT, channel="", lead=None),
    replace(ANNOUNCEMENT, lead_accepted=False, private=True),
    replace(ANNOUNCEMENT, status=Status.CLOSED, ended_at=AT + timedelta(days=1, hours=2), fixed_by="F1"),
    replace(
        HEADLINE, status=Status.CLOSED, next_update_due=None, ended_at=AT, mitigated_at=AT, fixed_by="F1"
    ),
    CHECKLIST,
    Checklist(title="", tasks=UNPRESSED, next_title="T2", next_at=None, occurrence=1),
    Checklist(title="T1", tasks=TASKS[:1], next_title=None, next_at=None, occurrence=1),
    CaughtUp(missed=(("T1", AT), ("T2", AT)), tasks=TASKS),
    CaughtUp(missed=(("T1", AT),), tasks=UNPRESSED[:1]),
    CaughtUp(missed=(("T1", AT),), tasks=()),
    LEAD_CALL,
    replace(LEAD_CALL, cx_lead=ANA, presses=(), then=Turn(at=AT, who=("BO",), pages=True)),
    replace(LEAD_CALL, by_button=True, then=Turn(at=AT, who=(), pages=True)),
    replace(LEAD_CALL, by_button=True, cx_lead=ANA, by="BO"),
    replace(LEAD_CALL, missed="BO", lead=Who(name="")),
    replace(LEAD_CALL, accepted_at=AT),
    replace(LEAD_CALL, went_to="BO"),
    replace(LEAD_CALL, went_to="BO", given_by="CY"),
    replace(LEAD_CALL, went_to="BO", settled=True),
    Gaps(lines=("G1",), mended=("G2",)),
    Gaps(lines=("G1",), mended=(), presses=PRESSES, about=42),
    Gaps(lines=(), mended=("G2",)),
    ResolutionProposed(by="BO", at=AT, withdrawn=False),
    ResolutionProposed(by="", at=AT, withdrawn=True),
    ResolutionProposed(by="BO", at=AT, withdrawn=False, presses=PRESSES),
    ResolutionProposed(by="BO", at=AT, withdrawn=False, presses=PRESSES, lead=ANA),
    ResolutionProposed(by="BO", at=AT, withdrawn=False, goes_on=True),
    ResolutionProposed(by="BO", at=AT, withdrawn=False, over=True),
    *(
        replace(LEAD_CALL, late=late, absent=absent)
        for late in (Late(call=("BO",), why="G1"), Late(paged=("BO",)), Late(asked=("BO",)), Late(drill=True))
        for absent in (False, True)
    ),
    replace(LEAD_CALL, missed="BO", absent_before=True),
    replace(LEAD_CALL, went_to="BO", absent=True),
    ChangeLine(text="C1"),
    ChangeLine(text=""),
    DUE,
    replace(DUE, lead=None, every=timedelta(minutes=1), rounds=0),
    replace(DUE, presses=(), every=timedelta(hours=1)),
    replace(DUE, presses=(), lead=None, every=timedelta(hours=2)),
    replace(DUE, ended="E1"),
    *(replace(UPDATE, status=status) for status in Status),
    replace(UPDATE, text="", next_at=None, was=None, number=None),
    replace(UPDATE, number=None, follows=("F1", "F2")),
    replace(UPDATE, title="T2", presses=PRESSES),
    Nudge(who=ANA, text="N1", presses=PRESSES),
    Nudge(who=None, text=""),
    Ended(text="E1", follow_ups=(FollowUp(text="F1", key="OPS-2", url="https://e.com/2"),)),
    Ended(text="", mitigated_at=AT, customers="C1"),
    OperatorNotice(what="W1", do="D1"),
    OperatorNotice(what="W1", do="", over=True),
    STORM,
    replace(STORM, every=timedelta(hours=1), incidents=1),
    replace(STORM, every=timedelta(minutes=5)),
    replace(STORM, over_at=AT),
    Reminding(text="R1", whom=ANA, told=("T1",), presses=PRESSES),
)
FORM = Form(
    title="A TITLE OF MANY WORDS THAT IS TOO LONG",
    line="INC-1 note",
    send="SEND",
    fields=(
        Field(name="f1", label="L1", kind=Asked.PROSE, hint="H1", filled=("F1",)),
        Field(name="f2", label="L2", kind=Asked.CHOICE, choices=(("", "C1"), ("c2", "C2")), filled=("c2",)),
        Field(name="f3", label="L3", kind=Asked.TICKS, choices=(("c1", "C1"),), filled=("c1",)),
        Field(name="f4", label="L4", kind=Asked.PERSON, filled=("U0ANA",)),
        Field(name="f5", label="L5", kind=Asked.MOMENT, filled=("1795356180",)),
        Field(name="f6", label="L6", kind=Asked.DAY),
    ),
    intro=("I1",),
)
HOME = Home(parts=(Answer(lines=("L1",), title="T1", presses=PRESSES),), presses=PRESSES)
# What a person says for each form there is.
ASKING = (
    "declare",
    "INC-1 resolve",
    "INC-1 handover",
    "INC-1 roles",
    "INC-1 page",
    "INC-1 impact",
    "INC-1 note",
    "INC-1 remind",
    "INC-1 severity",
    "INC-1 update",
    "INC-1 task add",
    "INC-1 followup",
    "INC-1 dismiss",
    "INC-1 merge",
    "prefs",
)


# --- they fit ---------------------------------------------------------------------------------------


def swollen(said: Any) -> Any:
    """The same with far more in it than anybody would write; what is pressed stays as the core makes it."""
    match said:
        case Severity() | Status() | TaskState() | Asked() | Press():
            return said
        case str():
            return said if said.startswith(("https:", "U0", "cx lead")) else f"{said} WORDS" * 300
        case tuple():
            is_row = any(isinstance(one, Press | datetime) for one in said)  # of buttons, or of a list
            return said if is_row else tuple(swollen(one) for one in said) * 30
        case _ if is_dataclass(said) and not isinstance(said, type):
            return replace(said, **{one.name: swollen(getattr(said, one.name)) for one in fields(said)})
        case _:
            return said


def fits(blocks: list[dict[str, Any]], *, most: int = 50) -> None:
    """As Slack's documents have it, and as its own SDK does."""
    checked_blocks(blocks, most=most)
    for block in blocks:
        known = Block.parse(block)
        assert known is not None
        known.validate_json()


@pytest.mark.parametrize("language", EVERY)
def test_every_message_fits_in_every_language(language: str) -> None:
    with speaking(language):
        for message in SAMPLES:
            for said in (message, swollen(message)):
                drawn = render(said)
                assert 1 <= len(drawn.text) <= 4_000, said
                fits(drawn.blocks)
        fits(draw_home(HOME)["blocks"], most=100)


@pytest.mark.parametrize("language", EVERY)
def test_every_form_fits_in_every_language(language: str, desk: Desk) -> None:
    with speaking(language):
        for form in [FORM, *forms(desk)]:
            view = draw_form(form, channel="C0123ABC")
            View(**view).validate_json()
            fits(view["blocks"], most=100)
            assert all(0 < len(view[part]["text"]) <= 24 for part in ("title", "submit", "close"))
            assert len(form.fields) <= 7, form.title


def test_a_title_that_is_too_long_ends_with_a_whole_word() -> None:
    assert draw_form(FORM, channel="")["title"]["text"] == "A TITLE OF MANY WORDS…"
    one_word = draw_form(replace(FORM, title="W" * 30), channel="")["title"]["text"]
    assert one_word == "W" * 23 + "…"
    assert draw_form(replace(FORM, title="W" * 24), channel="")["title"]["text"] == "W" * 24


# --- no English is left -----------------------------------------------------------------------------

# Moments, addresses, the grammar, and what languages call themselves.
NOT_READ = re.compile(r"<!date\^[^>]*>|<https?://[^|>]*\||`[^`]*`|^(?:English|Deutsch)$")
ENGLISH_LEFT = re.compile(r"\w*[aeiouycns]\w*")
OF_MACHINES = ("type", "block_id", "action_id", "value", "callback_id", "private_metadata", "style")


def read_texts(drawn: Any) -> Iterator[str]:
    """Every text of a drawing that people see."""
    match drawn:
        case str():
            yield drawn
        case list():
            for each in drawn:
                yield from read_texts(each)
        case dict():
            for name, each in drawn.items():
                if name not in OF_MACHINES and not name.startswith("initial_"):
                    yield from read_texts(each)


def english_in(drawn: Any) -> list[str]:
    return [word for text in read_texts(drawn) for word in ENGLISH_LEFT.findall(NOT_READ.sub("", text))]


@pytest.mark.parametrize("message", SAMPLES, ids=lambda one: type(one).__name__)
def test_no_english_is_left_in_a_message(message: Message) -> None:
    with speaking(PSEUDO):
        drawn = render(message)
    assert english_in([drawn.text, drawn.blocks]) == []


def test_no_english_is_left_in_a_form(desk: Desk) -> None:
    with speaking(PSEUDO):
        left = {form.line: english_in(draw_form(form, channel="")) for form in [FORM, *forms(desk)]}
    assert {line: words for line, words in left.items() if words} == {}


# --- nothing is forgotten ---------------------------------------------------------------------------


def test_every_class_of_message_has_a_sample() -> None:
    assert {type(one) for one in SAMPLES} == set(get_args(Message))


def test_every_form_is_asked_for(desk: Desk) -> None:
    made = sum(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Form"
        for file in Path(multivac.desk.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
    )
    assert len(forms(desk)) == made, "add the line that asks for the new form to ASKING"


def test_translators_find_every_text_that_is_said() -> None:
    """They are shown what stands in a call as it is: nothing put together, nothing within an f-string."""
    hidden = [
        f"{file.relative_to(ROOT)}:{call.lineno}"
        for folder in ("multivac", "integrations")
        for file in sorted((ROOT / folder).rglob("*.py"))
        for call in _unfindable(file.read_text())
    ]
    assert hidden == []


def _unfindable(source: str) -> Iterator[ast.Call]:
    if "multivac.tongue" not in source:
        return
    for node in ast.walk(ast.parse(source)):
        inside = [one for one in ast.walk(node) if _says(one)] if isinstance(node, ast.JoinedStr) else ()
        yield from (
            one for one in inside if isinstance(one, ast.Call) and isinstance(one.args[0], ast.Constant)
        )
        if isinstance(node, ast.Call) and _says(node) and isinstance(node.args[0], ast.JoinedStr | ast.BinOp):
            yield node


def _says(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return False
    return bool(node.args) and node.func.id in {"phrase", "written", "plural", "mark"}


# --- the desk ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk over two incidents, with no vendor at hand."""
    url = f"sqlite:///{tmp_path_factory.mktemp('desk') / 'multivac.db'}"
    daemon = Daemon(load_settings(None, {"MULTIVAC_DATABASE__URL": url}))
    migrate.upgrade(daemon.database)
    means = {severity.value: severity.upper() for severity in Severity}
    roles = {f"R{number}": dict[str, str]() for number in range(4)}  # more than a form has room for
    playbook = Playbook.model_validate({"name": "P1", "severity": {"means": means}, "roles": roles})
    daemon.database.start()
    for begun in (AT, daemon.out.clock.now()):
        declared = partial(
            incidents.declare,
            title="T1",
            severity=Severity.SEV2,
            playbook=playbook,
            service=None,
            now=begun,
            name_channel="INC-{}".format,
        )
        daemon.database.write(declared)
    now = daemon.out.clock.now()
    ana = directory.Identity(key="slack:U0ANA", id="U0ANA", name="ANA", active=True, checked_at=now)
    daemon.database.write(lambda tx: directory.remember(tx, "slack", [ana]))
    yield Desk(daemon.out, daemon.jobs, playbooks=lambda: (playbook,), admins=())
    daemon.database.stop()


def forms(desk: Desk) -> list[Form]:
    """Every form, in the language that is spoken now."""
    asked = [
        desk.answer(Ask(request=line, by="U0ANA", name="ANA", via="command", line=line)) for line in ASKING
    ]
    sent = Ask(request="", by="U0ANA", name="ANA", via="form", line="", fields={"text": "T1 T2"})
    asked += [desk.salvage(sent), desk.salvage(replace(sent, line="INC-1 note"))]
    told = Draft(text="T1", status=Status.ACTIVE, severity=Severity.SEV1, promised=None, is_last=False)
    asked.append(link_form(IncidentId(1)))  # the desk asks only where there is a tracker
    asked += [pass_form(IncidentId(1), "7", about="T1"), split_form(IncidentId(1), (("A1", "T1"),))]
    asked.append(decline_form(IncidentId(1), 7, by="P1", about=("T1",)))
    asked.append(before_sending(IncidentId(1), told, places=("P1",), due=None))
    assert all(isinstance(one, Form) for one in asked), asked
    return [one for one in asked if isinstance(one, Form)]
