"""The pages of those who have opened ours in the chat: shown when they do, and redrawn as theirs changes.

What each page showed is in its row, so replicas share the work, and a crash leaves nothing untrue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from multivac.briefing import Home, fingerprint
from multivac.budget import Errand
from multivac.desk import roster
from multivac.desk.people import language_at
from multivac.desk.roster import Roster
from multivac.errors import GiveUp, Paced, TryAgain
from multivac.ports import Chat
from multivac.steps.base import Outside
from multivac.store import homes
from multivac.store.homes import Page
from multivac.tongue import speaking

log = structlog.get_logger()

_AT_ONCE = 10  # so that a hundred pages hold nobody up
_LATER = timedelta(seconds=10)
_LEAST_SEVERE, _CAN_COME_LATE = 5, 3  # a page comes after every step of every incident

Publish = Callable[[str, Home], None]
Draw = Callable[[str, Roster | None], Home | None]  # None: a guest, of whom nothing is kept


@dataclass(frozen=True, slots=True)
class Pages:
    """Shows people their pages, drawn by `draw` of what is known, and of who is on call."""

    out: Outside
    draw: Draw

    def show(self, by: str, publish: Publish, *, instead: Callable[[], Home]) -> None:
        """Show somebody the page that they opened at once, then with who is on call as of now."""
        known = roster.known(self.out, roster.EVERYWHERE)
        seen, page = self._drawn(by, known)
        publish(by, page or instead())
        if page is None:
            return
        self._opened(by, seen, page)
        if self.out.pager is None or roster.is_fresh(known, self.out.clock.now()):
            return
        seen, again = self._drawn(by, roster.everywhere(self.out))
        if again is not None and again != page:
            publish(by, again)
            self._opened(by, seen, again)

    def redraw(self) -> int:
        """Redraw pages on which something may be untrue, a few at a time; says how many were published.

        Raises `TryAgain`, `Paced` when the chat takes none now.
        """
        chat, database, now = self.out.chat, self.out.database, self.out.clock.now()
        with database.read() as tx:
            due = homes.due(tx, now=now, most=_AT_ONCE)
        return self._redraw(chat, due, now) if chat is not None and due else 0

    def _redraw(self, chat: Chat, due: Sequence[Page], now: datetime) -> int:
        found = roster.known(self.out, roster.EVERYWHERE)
        if not roster.is_fresh(found, now):
            found = roster.everywhere(self.out)
        published = 0
        for one in due:
            held = self.out.database.write(partial(homes.hold, page=one, now=now))
            if held is not None:
                published += self._redraw_one(chat, held, found)
        return published

    def _redraw_one(self, chat: Chat, held: Page, found: Roster | None) -> bool:
        """Whether it was published: most of what happens in an incident changes nobody's page."""
        who, database = held.chat_id, self.out.database
        with speaking(language_at(self.out, who)):
            seen, page = self._drawn(who, found)
        if page is None:
            database.write(partial(homes.forget, chat_id=who))
            return False
        drawn = fingerprint(page)
        if drawn != held.drawn and not self._publish(chat, held, page):
            return False
        database.write(partial(homes.drew, held=held, seen=seen, drawn=drawn))
        return drawn != held.drawn

    def _publish(self, chat: Chat, held: Page, page: Home) -> bool:
        """Whether they can be shown it at all."""
        who, database, now = held.chat_id, self.out.database, self.out.clock.now()
        errand = Errand(who=f"home {who}", severity=_LEAST_SEVERE, matters=_CAN_COME_LATE, since=now)
        try:
            chat.on_behalf(errand).show_home(who, page)
        except GiveUp as no:
            log.info("page not redrawn", who=who, why=no.why)
            database.write(partial(homes.forget, chat_id=who))
            return False
        except (Paced, TryAgain) as wait:
            until = wait.until if isinstance(wait, Paced) else now + max(wait.after or _LATER, _LATER)
            database.write(partial(homes.put_off, held=held, until=until))
            raise
        return True

    def _drawn(self, who: str, found: Roster | None) -> tuple[int, Home | None]:
        """How their incidents stood before it was drawn, and the page."""
        with self.out.database.read() as tx:
            seen = homes.seen_by(tx, who)
        return seen, self.draw(who, found)

    def _opened(self, by: str, seen: int, page: Home) -> None:
        now, drawn = self.out.clock.now(), fingerprint(page)
        self.out.database.write(lambda tx: homes.opened(tx, by, seen=seen, drawn=drawn, now=now))
