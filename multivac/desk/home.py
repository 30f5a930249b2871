"""What somebody sees who opens our own page in the chat: their incidents, what is open, what to ask."""

from __future__ import annotations

from multivac.briefing import Answer, Home, Press
from multivac.desk.asking import Sitting
from multivac.desk.looking import may_see_row, own_among, own_line, row_line
from multivac.store import acts
from multivac.tongue import phrase

_SHOWN = 10


def home(sitting: Sitting) -> Home:
    """Their page as it should read now; it shows nothing that they may not see."""
    with sitting.house.out.database.read() as tx:
        rows = [row for row in acts.listed(tx) if may_see_row(tx, sitting, row)]
        mine = own_among(tx, sitting, rows)
    own = [own_line(row, mine[row.number]) for row in rows if row.number in mine]
    others = [row_line(row) for row in rows if row.number not in mine]
    return Home(
        parts=tuple(
            Answer(title=title, lines=tuple(found[:_SHOWN]), presses=())
            for title, found in ((phrase("Your incidents"), own), (phrase("Open incidents"), others))
            if found
        )
        or (Answer(lines=(phrase("No incident is open."),)),),
        presses=(
            Press(label=phrase("Declare an incident"), line="declare", stands_out=True),
            Press(label=phrase("What you can ask"), line="help all"),
        ),
    )


def guests_home() -> Home:
    """What a guest of another company sees."""
    told = phrase("Ask somebody of the team what is going on.")
    return Home(parts=(Answer(lines=(told,)),), presses=())
