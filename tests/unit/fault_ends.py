"""The calls by which updates are carried and incidents are ended, for fault_bench.py."""

from collections.abc import Callable

from multivac.ports import Standing
from tests.unit.fault_stage import DRAFT, HELLO, MARKER, NOTE, Bench, Call


def _threaded(bench: Bench) -> Callable[[], object]:
    posted = bench.chat.post(bench.channel(), HELLO, MARKER)
    return lambda: bench.chat.find_reply(posted, MARKER)


def _archiving(bench: Bench) -> Callable[[], object]:
    channel = bench.channel()
    return lambda: bench.chat.archive(channel)


def _alerted(act: Callable[[Bench], object]) -> Callable[[Bench], Callable[[], object]]:
    def first(bench: Bench) -> Callable[[], object]:
        bench.sandbox.pagerduty.trigger("Checkout is slow", "checkout")
        return lambda: act(bench)

    return first


def _noted(bench: Bench) -> None:
    bench.pager.note(_alert(bench), "Rolled back.", marker=NOTE, look_first=True)


def _unarchiving(bench: Bench) -> Callable[[], object]:
    channel = bench.channel()  # of one that is archived, Slack refuses it to every bot
    return lambda: bench.chat.unarchive(channel)


def _ticketed(act: Callable[[Bench, str], object]) -> Callable[[Bench], Callable[[], object]]:
    def first(bench: Bench) -> Callable[[], object]:
        key = bench.tracker.open_ticket(DRAFT).key
        return lambda: act(bench, key)

    return first


def _linking(bench: Bench) -> Callable[[], object]:
    one, other = (bench.tracker.open_ticket(DRAFT).key for _ in range(2))
    return lambda: bench.tracker.link(one, other, look_first=False)


def _comment(bench: Bench, key: str, *, look_first: bool) -> None:
    bench.tracker.comment(key, ["Rolled back."], marker=NOTE, look_first=look_first)


def _commented(bench: Bench) -> Callable[[], object]:
    key = bench.tracker.open_ticket(DRAFT).key
    _comment(bench, key, look_first=False)
    return lambda: bench.tracker.uncomment(key, marker=NOTE)


def _uncommented(bench: Bench) -> int:
    return int(not bench.sandbox.jira.issue("OPS-1")["fields"]["comment"]["comments"])


def _is_done(bench: Bench) -> int:
    return int(bench.sandbox.jira.issue("OPS-1")["fields"]["status"]["statusCategory"]["key"] == "done")


def _alert(bench: Bench) -> str:
    return next(iter(bench.sandbox.pagerduty.account.incidents))


def _publish(bench: Bench) -> None:
    bench.pager.publish(_alert(bench), "Rolled back.")


def _notes_or_updates(bench: Bench) -> int:
    shown = bench.sandbox.pagerduty.incident(_alert(bench))
    return int(bool(shown["notes"] or shown["status_updates"]))


def _resolve(bench: Bench) -> None:
    bench.pager.resolve(_alert(bench))


def _resolved(bench: Bench) -> int:
    return int(bench.sandbox.pagerduty.incident(_alert(bench))["status"] == "resolved")


ENDS: dict[str, Call] = {
    "conversations.replies": Call("slack", _threaded),
    "conversations.archive": Call(
        "slack",
        _archiving,
        None,
        lambda b: int(b.sandbox.slack.channel("inc-7").archived),
    ),
    "conversations.unarchive": Call(
        "slack",
        _unarchiving,
        None,
        lambda b: int(not b.sandbox.slack.channel("inc-7").archived),
    ),
    "GET /issue/{key}/comment": Call("jira", _ticketed(lambda b, key: _comment(b, key, look_first=True))),
    "POST /issue/{key}/comment": Call(
        "jira",
        _ticketed(lambda b, key: _comment(b, key, look_first=False)),
        lambda b: _comment(b, "OPS-1", look_first=True),
        lambda b: len(b.sandbox.jira.issue("OPS-1")["fields"]["comment"]["comments"]),
    ),
    "DELETE /issue/{key}/comment/{id}": Call("jira", _commented, None, _uncommented),
    "GET /issue/{key}": Call("jira", _ticketed(lambda b, key: b.tracker.move(key, Standing.DONE))),
    "GET /issue/{key}/transitions": Call(
        "jira", _ticketed(lambda b, key: b.tracker.move(key, Standing.DONE))
    ),
    "POST /issue/{key}/transitions": Call(
        "jira", _ticketed(lambda b, key: b.tracker.move(key, Standing.DONE)), None, _is_done
    ),
    "POST /issueLink": Call(
        "jira",
        _linking,
        lambda b: b.tracker.link("OPS-1", "OPS-2", look_first=True),
        lambda b: len(b.sandbox.jira.issue("OPS-1")["fields"]["issuelinks"]),
    ),
    "POST /incidents/{id}/status_updates": Call("pagerduty", _alerted(_publish), _noted, _notes_or_updates),
    "PUT /incidents": Call("pagerduty", _alerted(_resolve), None, _resolved),
}
