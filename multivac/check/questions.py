"""Asks many questions at once and waits a bounded time: no vendor that is silent holds up the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from multivac.check.verdicts import Level, Verdict
from multivac.errors import BadConfig, GiveUp, TryAgain

T = TypeVar("T")
R = TypeVar("R")

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Question:
    """Something to find out. `about` completes "... could not be checked"; `hint` adds to a refusal's fix."""

    about: str
    ask: Callable[[], Iterable[Verdict]]
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Area:
    """One part of the configuration: its name, its vendor's address, and how long a question may take.

    `without` is how bad it is when a question gets no answer.
    """

    name: str
    address: str = ""
    seconds: float = 5.0
    without: Level = Level.FAIL

    def ok(self, what: str) -> Verdict:
        """All is well."""
        return Verdict(self.name, Level.OK, what)

    def warn(self, what: str, fix: str) -> Verdict:
        """It works, but not as well as it could."""
        return Verdict(self.name, Level.WARN, what, fix)

    def fail(self, what: str, fix: str) -> Verdict:
        """It will not work."""
        return Verdict(self.name, Level.FAIL, what, fix)

    def ask(self, *questions: Question) -> list[Verdict]:
        """Ask all at once, and tell what was answered in the order of the questions."""
        asked = [_Asking(self, question) for question in questions]
        until = time.monotonic() + self.seconds
        for each in asked:
            each.thread.join(max(0.0, until - time.monotonic()))
        return [verdict for each in asked for verdict in each.verdicts()]

    def unanswered(self, about: str, why: str, fix: str = "") -> Verdict:
        """A question that got no answer."""
        fix = fix or f"See whether {self.address or 'it'} can be reached from here, then check again."
        return Verdict(self.name, self.without, f"{about} could not be checked: {why}", fix)


@dataclass(slots=True)
class _Asking:
    """A question under way. Its thread is a daemon: what never answers must not keep the command alive."""

    area: Area
    question: Question
    told: list[Verdict] | None = None
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run, name=self.question.about, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        self.told = list(self._told())

    def _told(self) -> Iterator[Verdict]:
        area, question = self.area, self.question
        try:
            yield from question.ask()
        except TryAgain as error:
            yield area.unanswered(question.about, error.why)
        except GiveUp as error:
            yield area.fail(f"{question.about}: {error.why}", f"{error.fix} {question.hint}".strip())
        except BadConfig as error:
            for finding in error.findings:
                yield area.fail(f"{finding.where}: {finding.why}", finding.fix)

    def verdicts(self) -> list[Verdict]:
        """What it came to; a list of one if it came to nothing."""
        if self.told is not None:
            return self.told
        if self.thread.is_alive():
            why = f"no answer within {self.area.seconds:g} s"
            return [self.area.unanswered(self.question.about, why)]
        fault = "a fault of Multivac, told above"  # the interpreter wrote the thread's traceback
        return [self.area.unanswered(self.question.about, fault, "Please report it.")]


def side_by_side(work: Callable[[T], R], things: Sequence[T]) -> list[R]:
    """The answers in the order of the things, a few at a time; raises the first refusal instead."""
    answers: dict[int, R] = {}
    refusals: list[TryAgain | GiveUp] = []
    left, turn = iter(enumerate(things)), threading.Lock()

    def run() -> None:
        while not refusals:
            with turn:
                taken = next(left, None)
            if taken is None:
                return
            place, thing = taken
            try:
                answers[place] = work(thing)
            except (TryAgain, GiveUp) as error:
                refusals.append(error)

    threads = [threading.Thread(target=run, daemon=True) for _ in things[:_AT_ONCE]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if refusals:
        raise refusals[0]
    return [answers[place] for place in range(len(things))]
