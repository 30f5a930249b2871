"""What people tell each other through us: updates, nudges and the end, as Slack shows them."""

from integrations.slack.blocks import render
from multivac.briefing import Update, UpdateDue
from multivac.incident import Severity, Status
from tests.unit.test_slack_blocks import AT, SHOWN_AT, shown


def test_an_update_says_who_where_it_stands_and_when_the_next_comes() -> None:
    update = Update(
        text="Rolling back.",
        by="Bo",
        severity=Severity.SEV1,
        status=Status.MITIGATED,
        next_at=AT,
        was=Severity.SEV2,
        number=42,
    )
    assert shown(render(update)) == (
        f"*INC-42* Rolling back.\nUpdate by Bo · SEV2 → SEV1 · mitigated · next update {SHOWN_AT}"
    )
    assert render(update).text.startswith("INC-42 Update by Bo: Rolling back. (SEV2 → SEV1 · mitigated;")


def test_a_question_that_was_answered_is_one_quiet_line() -> None:
    ended = render(UpdateDue(due_at=AT, every=None, lead=None, ended="Bo wrote it at 14:00 UTC."))
    assert shown(ended) == f"An update was due {SHOWN_AT}. Bo wrote it at 14:00 UTC."
    assert [block["type"] for block in ended.blocks] == ["context"]
