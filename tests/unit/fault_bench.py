"""Every call that the response makes, made to fail in every way, and what becomes of it in one word.

Used by test_faults.py, which holds docs/faults.md to it; `python -m tests.unit.fault_bench` prints the
page's tables as the adapters behave now.
"""

import json
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from integrations.sandbox.server import Sandbox
from integrations.sandbox.world import Clock, Fault
from integrations.slack.refusals import MEANING, PASSING, SLOW_DOWN
from multivac.errors import GiveUp, NameTaken, TryAgain
from multivac.incident import Person
from multivac.ports import Invited, Page
from tests.unit.fault_ends import ENDS
from tests.unit.fault_stage import DRAFT, EDITED, HELLO, MARKER, NOON, NOTE, Bench, Call

BO = Person(name="Bo Lindqvist", email="bo@example.com")
IMPATIENT = 0.05  # seconds, for calls that are to time out; the others may take their time


@dataclass(frozen=True, slots=True)
class Failure:
    """One way to go wrong: the sandbox's kind of fault, and how it is refined for each vendor."""

    kind: str
    more: Mapping[str, Any] = field(default_factory=dict)
    of: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def at(self, vendor: str, method: str) -> Fault:
        return Fault(vendor, method, self.kind, times=0, **{**self.more, **self.of.get(vendor, {})})


def _refused(slack: str, status: int) -> Failure:
    return Failure("refuse", of={"slack": {"error": slack}, **{one: {"status": status} for one in REST}})


REST = ("jira", "pagerduty")
FAILURES = {
    "nobody there": Failure("nobody"),
    "no answer": Failure("timeout"),
    "cut off": Failure("reset"),
    "answer lost": Failure("lose_answer"),
    "429, wait 7 s": Failure("rate_limit", {"retry_after": 7}),
    "429": Failure("rate_limit"),
    "500": Failure("server_error"),
    "503": Failure("server_error", {"status": 503}),
    "broken JSON": Failure("malformed"),
    "a proxy's page": Failure("html"),
    "a log-in page": Failure("html", {"status": 200}),
    "refused": _refused("restricted_action", 400),
    "token": _refused("token_revoked", 401),
    "permission": _refused("missing_scope", 403),
    "gone": _refused("channel_not_found", 404),
}


def _in_channel(act: Callable[[Bench, str], object]) -> Callable[[Bench], Callable[[], object]]:
    def first(bench: Bench) -> Callable[[], object]:
        channel = bench.channel()
        return lambda: act(bench, channel)

    return first


def _on_message(
    act: Callable[[Bench, Any], object], seed: Callable[[Bench], object] = lambda _: None
) -> Callable[[Bench], Callable[[], object]]:
    def first(bench: Bench) -> Callable[[], object]:
        posted = bench.chat.post(bench.channel(), HELLO, MARKER)
        seed(bench)
        return lambda: act(bench, posted)

    return first


def _find_or_open(bench: Bench) -> object:
    return bench.chat.find_channel("inc-7", since=NOON) or bench.channel()


def _find_or_post(bench: Bench) -> object:
    channel = bench.sandbox.slack.channel("inc-7").id
    return bench.chat.find_message(channel, MARKER, since=NOON) or bench.chat.post(channel, HELLO, MARKER)


def _find_or_write(bench: Bench) -> object:
    return bench.tracker.find_tickets(DRAFT.label) or bench.tracker.open_ticket(DRAFT)


def _link(bench: Bench, channel: str, *, look_first: bool) -> None:
    bench.chat.bookmark(channel, "PagerDuty", "https://example.com/1", look_first=look_first)


def _note(bench: Bench, *, look_first: bool) -> None:
    key = next(iter(bench.sandbox.pagerduty.account.incidents))
    bench.pager.note(key, "Hello.", marker=NOTE, look_first=look_first)


def _alerted(act: Callable[[Bench], object]) -> Callable[[Bench], Callable[[], object]]:
    def first(bench: Bench) -> Callable[[], object]:
        bench.sandbox.pagerduty.trigger("Checkout is slow", "checkout")
        return lambda: act(bench)

    return first


def _prioritise(bench: Bench) -> None:
    bench.pager.prioritise(next(iter(bench.sandbox.pagerduty.account.incidents)), ["SEV1", "P1"])


def _on_ticket(act: Callable[[Bench, str], object]) -> Callable[[Bench], Callable[[], object]]:
    def first(bench: Bench) -> Callable[[], object]:
        key = bench.tracker.open_ticket(DRAFT).key
        return lambda: act(bench, key)

    return first


def _assign(bench: Bench, key: str) -> None:
    bench.tracker.assign(key, bench.sandbox.jira.site.person("Ana").account_id)


def _page(bench: Bench, *, look_first: bool, service: str = "") -> None:
    key = next(iter(bench.sandbox.pagerduty.account.incidents))
    sent = Page(people=() if service else (BO,), service=service, message="Help", marker=NOTE)
    bench.pager.page(key, sent, look_first=look_first)


def _asking(ask: Callable[[Bench], object]) -> Callable[[Bench], Callable[[], object]]:
    return lambda bench: lambda: ask(bench)


def _topic(bench: Bench) -> int:
    return int(bench.sandbox.slack.channel("inc-7").topic == "SEV1")


def _purpose(bench: Bench) -> int:
    return int(bench.sandbox.slack.channel("inc-7").purpose == "Response")


def _members(bench: Bench) -> int:
    return bench.sandbox.slack.channel("inc-7").members.count(bench.user("Ana"))


def _edits(bench: Bench) -> int:
    return bench.said() if "Bo leads" in str(bench.sandbox.slack.channel("inc-7").messages) else 0


def _notes(bench: Bench) -> int:
    key = next(iter(bench.sandbox.pagerduty.account.incidents))
    return len(bench.sandbox.pagerduty.incident(key)["notes"])


def _assigned(bench: Bench) -> int:
    who = bench.sandbox.jira.issue("OPS-1")["fields"]["assignee"]
    return int(bool(who) and who["displayName"] == "Ana Silva")


def _schedule(bench: Bench) -> str:
    return bench.sandbox.pagerduty.account.schedule("CX-Leads").id


CALLS: dict[str, Call] = {
    "auth.test": Call("slack", _asking(lambda b: b.chat.whoami())),
    "conversations.create": Call(
        "slack",
        _asking(lambda b: b.channel()),
        _find_or_open,
        lambda b: sum(one.name == "inc-7" for one in b.sandbox.slack.space.channels.values()),
    ),
    "users.conversations": Call("slack", _in_channel(lambda b, _: b.chat.find_channel("inc-7", since=NOON))),
    "conversations.setTopic": Call(
        "slack", _in_channel(lambda b, c: b.chat.set_topic(c, "SEV1")), None, _topic
    ),
    "conversations.setPurpose": Call(
        "slack", _in_channel(lambda b, c: b.chat.set_purpose(c, "Response")), None, _purpose
    ),
    "conversations.invite": Call(
        "slack", _in_channel(lambda b, c: b.chat.invite(c, [b.user("Ana")])), None, _members
    ),
    "users.lookupByEmail": Call("slack", _asking(lambda b: b.chat.find_person("ana@example.com"))),
    "users.info": Call("slack", _asking(lambda b: b.chat.person(b.user("Ana")))),
    "usergroups.list": Call("slack", _asking(lambda b: b.chat.group_members("sre"))),
    "usergroups.users.list": Call("slack", _asking(lambda b: b.chat.group_members("sre"))),
    "chat.postMessage": Call(
        "slack", _in_channel(lambda b, c: b.chat.post(c, HELLO, MARKER)), _find_or_post, Bench.said
    ),
    "chat.update": Call(
        "slack", _on_message(lambda b, posted: b.chat.edit(posted, EDITED, MARKER)), None, _edits
    ),
    "conversations.history": Call(
        "slack", _on_message(lambda b, posted: b.chat.find_message(posted.channel, MARKER, since=NOON))
    ),
    "pins.add": Call(
        "slack",
        _on_message(lambda b, posted: b.chat.pin(posted)),
        None,
        lambda b: len(b.sandbox.slack.channel("inc-7").pins),
    ),
    "bookmarks.list": Call("slack", _in_channel(lambda b, c: _link(b, c, look_first=True))),
    "bookmarks.add": Call(
        "slack",
        _in_channel(lambda b, c: _link(b, c, look_first=False)),
        lambda b: _link(b, b.sandbox.slack.channel("inc-7").id, look_first=True),
        lambda b: len(b.sandbox.slack.channel("inc-7").bookmarks),
    ),
    "POST /issue": Call(
        "jira", _asking(lambda b: b.tracker.open_ticket(DRAFT)), _find_or_write, Bench.tickets
    ),
    "GET /search/jql": Call("jira", _asking(lambda b: b.tracker.find_tickets(DRAFT.label))),
    "PUT /issue/{key}/assignee": Call("jira", _on_ticket(_assign), None, _assigned),
    "PUT /issue/{key}": Call(
        "jira",
        _on_ticket(lambda b, key: b.tracker.prioritise(key, "Low")),
        None,
        lambda b: int(b.sandbox.jira.issue("OPS-1")["fields"]["priority"]["name"] == "Low"),
    ),
    "GET /user/search": Call(
        "jira", _asking(lambda b: b.tracker.find_account(Person(name="Ana", email="ana@example.com")))
    ),
    "GET /myself": Call("jira", _asking(lambda b: copy(b.tracker).account())),  # the answer is kept
    "GET /project/{key}/role": Call("jira", _asking(lambda b: b.tracker.role_members("Incident leads"))),
    "GET /project/{key}/role/{id}": Call("jira", _asking(lambda b: b.tracker.role_members("Incident leads"))),
    "GET /group/member": Call("jira", _asking(lambda b: b.tracker.group_members("incident-leads"))),
    "GET /project/{key}/components": Call("jira", _asking(lambda b: b.tracker.component_lead("checkout"))),
    "GET /oncalls": Call("pagerduty", _asking(lambda b: b.pager.on_call_of_policies(["PCOMMERCE"]))),
    "GET /schedules": Call("pagerduty", _asking(lambda b: b.pager.on_call_of_schedules(["CX-Leads"]))),
    "GET /schedules/{id}": Call("pagerduty", _asking(lambda b: b.pager.on_call_of_schedules([_schedule(b)]))),
    "GET /users/{id}": Call(
        "pagerduty", _asking(lambda b: b.pager.person(b.sandbox.pagerduty.account.user("Ana").id))
    ),
    "GET /incidents": Call("pagerduty", _alerted(lambda b: list(b.pager.open_alerts()))),
    "GET /incidents/{id}/notes": Call("pagerduty", _alerted(lambda b: _note(b, look_first=True))),
    "POST /incidents/{id}/notes": Call(
        "pagerduty",
        _alerted(lambda b: _note(b, look_first=False)),
        lambda b: _note(b, look_first=True),
        _notes,
    ),
    "GET /users": Call("pagerduty", _alerted(lambda b: _page(b, look_first=False))),
    "GET /users/me": Call("pagerduty", _alerted(lambda b: _page(b, look_first=False))),
    "GET /services": Call("pagerduty", _alerted(lambda b: _page(b, look_first=False, service="search"))),
    "GET /priorities": Call("pagerduty", _alerted(_prioritise)),
    "GET /incidents/{id}": Call("pagerduty", _alerted(lambda b: _page(b, look_first=True))),
    "POST /incidents/{id}/responder_requests": Call(
        "pagerduty",
        _alerted(lambda b: _page(b, look_first=False)),
        lambda b: _page(b, look_first=True),
        lambda b: len(next(iter(b.sandbox.pagerduty.account.incidents.values())).responders),
    ),
    "POST /v2/enqueue": Call(
        "pagerduty",
        _asking(lambda b: b.alarm.trigger("late", "Multivac is late.", "Look at the log.")),
        None,
        lambda b: len(b.sandbox.pagerduty.account.incidents),
    ),
    **ENDS,
}


LOOK_UPS = {"users.lookupByEmail", "users.info"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a call: one word as docs/faults.md has it, and what people read, if they do."""

    word: str
    line: str = ""


def observe(bench: Bench, method: str, failure: Failure) -> Outcome:
    """Let one call fail in one way; then let the fault be over, and hold the next try to one effect."""
    call = CALLS[method]
    bench.refresh()
    act = call.first(bench)
    with _wrong(bench, call.vendor, method, failure):
        outcome = _outcome(act)
    if outcome.word == "done" and failure.kind == "refuse" and method in LOOK_UPS:
        return Outcome("nobody")
    if outcome.word.startswith(("again", "unsure")) and call.effects is not None:
        (call.again or (lambda _: act()))(bench)
        assert call.effects(bench) == 1, f"{method}, {failure}: {call.effects(bench)} effects"
    return outcome


@contextmanager
def _wrong(bench: Bench, vendor: str, method: str, failure: Failure) -> Iterator[None]:
    if failure.kind == "nobody":
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # and does not listen
            bench.url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            yield
    else:
        bench.patience = IMPATIENT if failure.kind == "timeout" else 5.0
        bench.sandbox.world.fail(failure.at(vendor, method))
        yield
    bench.sandbox.world.heal()
    bench.url, bench.patience = bench.sandbox.url, 5.0


def _outcome(act: Callable[[], object]) -> Outcome:
    try:
        found = act()
    except TryAgain as error:
        word = "unsure" if error.reached else "again"
        return Outcome(word if error.after is None else f"{word}, {_seconds(error.after)}")
    except NameTaken:
        return Outcome("next name")
    except GiveUp as error:
        return Outcome(
            "operators" if error.operators else "people", f"{error.why.rstrip('.')}. {error.fix}".strip()
        )
    if isinstance(found, Invited) and found.refused:
        (why,) = found.refused.values()
        return Outcome("without them", why)
    return Outcome("done")


def _seconds(time: timedelta) -> str:
    return f"{time.total_seconds():g} s"


# --- the page's tables as things are --------------------------------------------------------------


def methods_of(vendor: str) -> list[str]:
    """Our calls of one vendor."""
    return [method for method, call in CALLS.items() if call.vendor == vendor]


def failures_of(vendor: str) -> dict[str, Failure]:
    """The ways in which this vendor's calls fail; what is gone, Slack says by a name of its own."""
    return {name: one for name, one in FAILURES.items() if (vendor, name) != ("slack", "gone")}


def called(name: str) -> Failure:
    """A refusal of Slack's with this name."""
    return Failure("refuse", {"error": name})


def listed_names(payloads: Path) -> dict[str, set[str]]:
    """Every error name that Slack lists for each of our methods, in its reference or its Java client.

    Names that we know and Slack does not list for them, such as `token_expired`, count as a message's.
    """
    codes = json.loads((payloads / "slack" / "error_codes_by_method.json").read_text())
    pages = payloads / "slack" / "methods"
    listed = {
        method: {*codes.get(method, ()), *json.loads((pages / f"{method}.json").read_text())["errors"]}
        for method in methods_of("slack")
    }
    known = {*MEANING, *PASSING, *SLOW_DOWN}
    listed["chat.postMessage"] |= known - {name for names in listed.values() for name in names}
    return listed


def main() -> None:
    """Print the tables as they are now; read them before they go into the page."""
    with Sandbox(Clock(NOON)) as sandbox:
        bench = Bench(sandbox)
        for vendor in ("slack", *REST):
            _print_matrix(bench, vendor)
        _print_names(bench, listed_names(Path(os.environ["MULTIVAC_PAYLOADS"])))


def write(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _print_matrix(bench: Bench, vendor: str) -> None:
    failures, lines = failures_of(vendor), dict[str, None]()
    write("\n| call | " + " | ".join(failures) + " |\n" + "| --- " * (len(failures) + 1) + "|")
    for method in methods_of(vendor):
        row = {name: observe(bench, method, failure) for name, failure in failures.items()}
        write(f"| `{method}` | " + " | ".join(one.word for one in row.values()) + " |")
        lines |= {f"| {vendor} | {name} | {one.line} |": None for name, one in row.items() if one.line}
    write("\n".join(["", *lines]))


def _print_names(bench: Bench, listed: Mapping[str, set[str]]) -> None:
    rows: dict[tuple[str, str, str], list[str]] = {}
    for name in sorted({name for names in listed.values() for name in names}):
        found: dict[tuple[str, str], list[str]] = {}
        for method in (method for method in listed if name in listed[method]):
            outcome = observe(bench, method, called(name))
            found.setdefault((outcome.word, outcome.line.replace(name, "…")), []).append(method)
        usual = max(found.values(), key=len)
        for (word, line), methods in found.items():
            where = "every" if methods is usual and len(methods) > 1 else ", ".join(f"`{m}`" for m in methods)
            where = (
                "every" if word in {"operators", "people", "again", "unsure"} and methods is usual else where
            )
            rows.setdefault((word, where, line), []).append(f"`{name}`")
    for (word, where, line), names in sorted(rows.items()):
        write(f"| {', '.join(names)} | {where} | {word} | {line} |")


if __name__ == "__main__":
    main()
