"""What somebody sees who opens our own page in the chat: what is theirs, what is open, what to ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from multivac.briefing import Answer, Home, Press
from multivac.desk import roster
from multivac.desk.asking import Sitting
from multivac.desk.looking import may_see_row, own_among, own_line, row_line
from multivac.desk.reminding import when_due
from multivac.desk.roster import Roster
from multivac.incident import Person, TaskState
from multivac.steps.checklists import every_task
from multivac.store import acts, cases
from multivac.store.cases import Case
from multivac.tongue import phrase

_SHOWN = 10
_OFFERED = 5


def home(sitting: Sitting, found: Roster | None) -> Home:
    """Their page as it should read now; it shows nothing that they may not see."""
    with sitting.house.out.database.read() as tx:
        rows = [row for row in acts.listed(tx) if may_see_row(tx, sitting, row)]
        mine = own_among(tx, sitting, rows)
        own = [row for row in rows if row.number in mine][:_SHOWN]
        others = [row for row in rows if row.number not in mine][:_SHOWN]
        theirs = [cases.load(tx, row.number) for row in own]
    incidents = Answer(
        title=phrase("Your incidents"),
        lines=tuple(own_line(row, mine[row.number]) for row in own),
        presses=tuple(_to_show(row.number) for row in own),
    )
    parts = (
        Answer(title=phrase("On call"), lines=tuple(_duties(found, sitting.person))),
        incidents,
        _tasks(theirs, sitting.person),
        Answer(title=phrase("Your reminders"), lines=tuple(_reminders(sitting, theirs))),
        Answer(title=phrase("Open incidents"), lines=tuple(map(row_line, others))),
    )
    nothing = (Answer(lines=(phrase("No incident is open."),)),)
    return Home(parts=tuple(part for part in parts if part.lines) or nothing, presses=_presses(sitting))


def _to_show(number: int) -> Press:
    return Press(label=phrase("Show INC-{number}", number=number), line=f"INC-{number} show")


def _presses(sitting: Sitting) -> tuple[Press, ...]:
    on_call = Press(label=phrase("Who is on call?"), line="oncall")
    return (
        Press(label=phrase("Declare an incident"), line="declare", stands_out=True),
        *((on_call,) if sitting.house.out.pager is not None else ()),
        Press(label=phrase("What you can ask"), line="help all"),
        Press(label=phrase("Preferences"), line="prefs"),
    )


def _duties(found: Roster | None, who: Person) -> Sequence[str]:
    """Everybody who is on call for what they are on call for; nothing if they are not, or nobody can say."""
    beside = found.beside(who) if found is not None else None
    return roster.lines(beside) if beside is not None and beside.on_call else ()


def _tasks(seen: Sequence[Case], who: Person) -> Answer:
    """Their open tasks, those of the worst incident first."""
    found = [(case, key, text) for case in seen for key, text in _tasks_in(case, who)]
    return Answer(
        title=phrase("Your tasks"),
        lines=tuple(f"INC-{case.id} · {text}" for case, _, text in found[:_SHOWN]),
        presses=tuple(
            Press(label=phrase("Done: {task}", task=text), line=f"INC-{case.id} task done {key}")
            for case, key, text in found[:_OFFERED]
        ),
    )


def _tasks_in(case: Case, who: Person) -> Iterator[tuple[str, str]]:
    every = every_task(case)
    owned = (key for key, row in case.tasks.items() if row.owner is not None and row.owner.key == who.key)
    yield from (
        (key, every[key].text) for key in owned if key in every and every[key].state is TaskState.OPEN
    )


def _reminders(sitting: Sitting, seen: Sequence[Case]) -> Sequence[str]:
    """What they asked to be reminded of, or others asked them to be, the next first."""
    now, key = sitting.now, sitting.person.key
    still = [
        (one.current(now), case)
        for case in seen
        for one in case.reminders.values()
        if not one.is_over(now) and key in {one.by.key, one.whom.key if one.whom is not None else ""}
    ]
    first = sorted(still, key=lambda found: found[0].due_at)[:_SHOWN]
    return [f"INC-{case.id} · {when_due(one)}: {one.text}" for one, case in first]


def guests_home() -> Home:
    """What a guest of another company sees."""
    told = phrase("Ask somebody of the team what is going on.")
    return Home(parts=(Answer(lines=(told,)),), presses=())
