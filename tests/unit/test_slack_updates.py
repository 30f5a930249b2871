"""What people tell each other through us: updates, nudges and the end, as Slack shows them."""

from hypothesis import given
from hypothesis import strategies as st

from integrations.slack.blocks import render
from multivac.briefing import Ended, FollowUp, Message, Nudge, Update, UpdateDue
from multivac.incident import Severity, Status
from tests.unit.test_slack_blocks import AT, SHOWN_AT, holds, moments, outside, people, shown

told = st.one_of(
    st.builds(
        Update,
        text=outside,
        by=outside,
        severity=st.sampled_from(Severity),
        status=st.sampled_from(Status),
        next_at=st.none() | moments,
        was=st.none() | st.sampled_from(Severity),
        number=st.none() | st.integers(1, 10**9),
    ),
    st.builds(Nudge, who=st.none() | people, text=outside),
    st.builds(UpdateDue, due_at=moments, every=st.none(), lead=st.none(), ended=outside),
    st.builds(
        Ended,
        text=outside,
        follow_ups=st.lists(
            st.builds(
                FollowUp, text=outside, key=st.sampled_from(("", "OPS-2")), url=st.just("https://e.com/2")
            ),
            max_size=20,
        ).map(tuple),
    ),
)


@given(told)
def test_whatever_people_tell_fits_and_is_quiet(message: Message) -> None:
    holds(message)


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
