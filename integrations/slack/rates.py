"""How often Slack lets each of its methods be called, and who may call now.

The tiers are those of Slack's page "Rate limits" and of its method reference (August 2026): calls a
minute, for each method, workspace and app. Slack tolerates bursts; we take a minute's worth at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from multivac.budget import Errand, Rate
from multivac.errors import Paced
from multivac.ports import Pace

_TIER_2, _TIER_3, _TIER_4 = Rate(20, 20), Rate(50, 50), Rate(100, 100)
# "One message a second and channel, short bursts are fine", and "several hundred a minute" in all.
_POST = "chat.postMessage"
_IN_ONE_CHANNEL, _POSTS = Rate(60, 4), Rate(300, 100)

RATES: Mapping[str, Rate] = {
    "bookmarks.add": _TIER_2,
    "bookmarks.list": _TIER_3,
    "chat.update": _TIER_3,
    "conversations.archive": _TIER_2,
    "conversations.create": _TIER_2,
    "conversations.history": _TIER_3,
    "conversations.info": _TIER_3,
    "conversations.invite": _TIER_3,
    "conversations.replies": _TIER_3,
    "files.completeUploadExternal": _TIER_4,
    "files.getUploadURLExternal": _TIER_4,
    "reactions.add": _TIER_3,
    "reactions.remove": _TIER_2,
    "conversations.setPurpose": _TIER_2,
    "conversations.setTopic": _TIER_2,
    "conversations.unarchive": _TIER_2,
    "pins.add": _TIER_2,
    "usergroups.list": _TIER_2,
    "usergroups.users.list": _TIER_2,
    # The reference says tier 3 and Slack's own Java client tier 2: we plan for the smaller.
    "users.conversations": _TIER_2,
    "users.info": _TIER_4,
    "chat.postEphemeral": _TIER_4,
    "views.open": _TIER_4,
    "views.publish": _TIER_4,
    "views.update": _TIER_4,
    "users.lookupByEmail": _TIER_3,
    _POST: _POSTS,
}

_UNSAID = timedelta(seconds=5)  # the wait after a 429 that names none


@dataclass(frozen=True, slots=True)
class Pacer:
    """Keeps one workspace's rates, on behalf of somebody or of nobody.

    `times` is how many times the published rates may be used; 0 leaves only Slack's own 429 to heed.
    """

    pace: Pace
    times: float = 1.0
    errand: Errand | None = None

    def on_behalf(self, errand: Errand) -> Pacer:
        """The same for an errand."""
        return replace(self, errand=errand)

    def before(self, method: str, channel: str | None) -> None:
        """Count a call that is about to be made. Raises `Paced` if it is to be made later."""
        for key, rate in _tanks(method, channel):
            allowed = rate.times(self.times) if rate is not None and self.times else None
            at = self.pace.ask(key, allowed, self.errand)
            if at is not None:
                raise Paced(at)

    def slow_down(self, method: str, channel: str | None, wait: timedelta | None) -> None:
        """Heed a 429: no call of this kind for so long. Of messages it is the channel's limit that is met."""
        (key, _), *_ = _tanks(method, channel)
        self.pace.shut(key, wait or _UNSAID)


def _tanks(method: str, channel: str | None) -> list[tuple[str, Rate | None]]:
    every = (f"slack {method}", RATES.get(method))
    return [(f"slack {method} {channel}", _IN_ONE_CHANNEL), every] if method == _POST else [every]
