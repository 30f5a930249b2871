"""Words from outside made safe for Slack; used by blocks.py and chat.py.

Slack gives a meaning to `&`, `<` and `>` only, so these three are escaped
(https://docs.slack.dev/messaging/formatting-message-text#escaping). Whatever else could notify
people or hide what is written is taken out first. Every function cuts after escaping: what it
returns is never longer than asked, and never ends in half an entity.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from multivac.briefing import Link, Who
from multivac.tongue import phrase, plural

NAME_LIMIT = 80
LABEL_LIMIT = 60
ADDRESS_LIMIT = 1500

# A channel in a line of our own, as the core writes it; escaped like everything else, then put back.
_OWN_TIME = re.compile(r"&lt;(t|d):(\d{1,10})&gt;")
_MOST_TIMES = 20  # which grow when they are drawn: more are nobody's but a prankster's
_OWN_MESSAGE = re.compile(r"https://[a-z0-9-]+\.slack\.com/archives/[A-Z0-9]+/p[0-9]+")
_OWN_CHANNEL = re.compile(r"&lt;#([CG][A-Z0-9]{6,20})&gt;")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# A plain_text object needs no escaping and shows no mentions; look-alikes keep it so should that change.
_LOOK_ALIKES = {"<": "\u2039", ">": "\u203a"}
_CONTROLS = {*range(0x20), *range(0x7F, 0xA0)} - {ord(each) for each in "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85"}
_HALF_CHARACTERS = range(0xD800, 0xE000)  # JSON may carry them; UTF-8 cannot
# Marks that reorder what is shown: a title could be made to read as something else.
_BIDIRECTIONAL = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
_NEVER_SHOWN = dict.fromkeys([*_CONTROLS, *_HALF_CHARACTERS, *_BIDIRECTIONAL])
_WORD_JOINER = "\u2060"
_LOUD = re.compile("@(?=here|channel|everyone|group)", re.IGNORECASE)
_WEB = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)
_NOT_IN_A_URL = re.compile(r"[^\w\-.~:/?#\[\]@!$&'()*+,;=%]")
_REFERENCE = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_MENTIONED = re.compile(r"@[UW][A-Z0-9]+")
_GROUP = re.compile(r"!subteam\^S[A-Z0-9]+")
_GROUP_ID = re.compile(r"S[A-Z0-9]{2,20}")
_USER_ID = re.compile(r"[UW][A-Z0-9]{2,20}")
_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{6,20}")


def line(text: str, limit: int = 3000) -> str:
    """The text as one line of mrkdwn that means only what it says, at most `limit` long."""
    return _cut(" ".join(_quiet(text).split()), limit, _ENTITIES)


def prose(text: str, limit: int = 3000) -> str:
    """As `line`, but paragraphs stay apart."""
    lines = (" ".join(each.split()) for each in _quiet(text).splitlines())
    return _cut(re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip(), limit, _ENTITIES)


def plain(text: str, limit: int) -> str:
    """The text as one line for a plain_text object, which Slack shows as it is."""
    return _cut(" ".join(_quiet(text).split()), limit, _LOOK_ALIKES)


def short(text: str, limit: int) -> str:
    """As `plain`, but a text that is too long ends with a whole word, where it has several."""
    kept = plain(text, ADDRESS_LIMIT).split(" ")
    if _length(" ".join(kept)) <= limit:
        return " ".join(kept)
    while len(kept) > 1 and _length(" ".join(kept)) >= limit:
        kept.pop()
    return plain(f"{' '.join(kept)}\u2026", limit)


def link(to: Link) -> str:
    """A labelled link; the label alone where the address is not one of the web, or is endless."""
    label = line(to.label, LABEL_LIMIT).replace("|", "\u00a6")
    address = _address(to.url)
    shown = label or phrase("link")
    return f"<{address}|{shown}>" if address else label


def person(who: Who) -> str:
    """A mention where the chat id is set, which may be a user group's; else the name."""
    if who.chat_id and _USER_ID.fullmatch(who.chat_id):
        return f"<@{who.chat_id}>"
    if who.chat_id and _GROUP_ID.fullmatch(who.chat_id):
        return f"<!subteam^{who.chat_id}>"
    return line(who.name, NAME_LIMIT) or phrase("somebody")


def channel(name: str) -> str:
    """A channel by its name or, made a link by Slack itself, by its id."""
    return f"<#{name}>" if _CHANNEL_ID.fullmatch(name) else f"#{line(name.lstrip('#'), NAME_LIMIT)}"


def when(at: datetime) -> str:
    """A moment that each reader sees in their own time zone, and in UTC where Slack cannot do that."""
    fallback = f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"


def time_of_day(at: datetime) -> str:
    """As `when`, without the day."""
    return f"<!date^{int(at.timestamp())}^{{time}}|{at.astimezone(UTC):%H:%M} UTC>"


def said_line(text: str) -> str:
    """One line of ours, escaped; a channel's id becomes the channel, a moment the reader's own time."""
    said = _OWN_CHANNEL.sub(r"<#\1>", line(text, 1500))
    said = _OWN_TIME.sub(_moment, said, _MOST_TIMES)
    label = phrase("message")
    return _OWN_MESSAGE.sub(lambda found: f"(<{found[0]}|{label}>)", said)


def _moment(found: re.Match[str]) -> str:
    at = datetime.fromtimestamp(int(found[2]), UTC)
    return time_of_day(at) if found[1] == "t" else when(at)


def words(text: str) -> str:
    """What somebody wrote in Slack, as plain text: links and mentions as they are read, entities undone."""
    return _undone(_REFERENCE.sub(_shown, text))


def typed(text: str) -> str:
    """As `words`, but whom it mentions stays a mention, for the core to act on or to name."""
    return _undone(_REFERENCE.sub(lambda found: _mention(found[1], found[2]) or _shown(found), text))


def _undone(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _mention(target: str, label: str | None) -> str:
    if _MENTIONED.fullmatch(target):
        return f"<{target}>"  # what it is labelled with is of no use, and may have spaces
    if _GROUP.fullmatch(target):
        return f"<{target}|{label}>" if label and " " not in label else f"<{target}>"
    if not label and target[:1] == "#":
        return f"<{target}>"  # outside commands Slack leaves the name out
    return ""


def _shown(found: re.Match[str]) -> str:
    target, label = found[1], found[2]
    if target[:1] in {"@", "#"}:
        return f"{target[0]}{label}" if label else target
    if target.startswith("!"):
        return label or f"@{target[1:].partition('^')[0]}"
    target = target.removeprefix("mailto:").removeprefix("tel:")
    # Slack makes a link of an address without a scheme, and of a number, whose label is what was typed.
    is_alike = not label or label in {target, target.partition("://")[2].rstrip("/")}
    return target if is_alike else f"{label} ({target})"


def joined(parts: Iterable[str], limit: int, separator: str = ", ") -> str:
    """As many whole parts as fit into `limit`, and how many were left out."""
    waiting, shown, length = list(parts), list[str](), 0
    room = limit - len(separator) - len(more(999_999))
    while waiting and length + len(separator) + len(waiting[0]) <= room:
        length += len(separator) + len(waiting[0])
        shown.append(waiting.pop(0))
    return separator.join([*shown, more(len(waiting))] if waiting else shown)


def more(count: int) -> str:
    """How many are not listed."""
    return plural("and {count} more", "and {count} more", count)


def minutes(span: timedelta) -> int:
    """How many minutes it is, rounded."""
    return round(span.total_seconds() / 60)


def whole_hours(span: timedelta) -> int:
    """How many hours it is; 0 unless it is hours and nothing else."""
    hours, rest = divmod(minutes(span), 60)
    return 0 if rest else hours


def _quiet(text: str) -> str:
    """The text without control characters, reordering marks, and words that would notify everybody."""
    return _LOUD.sub(f"@{_WORD_JOINER}", text.translate(_NEVER_SHOWN))


def _cut(text: str, limit: int, entities: dict[str, str]) -> str:
    pieces = [entities.get(each, each) for each in text[: limit + 1]]
    if sum(map(_width, pieces)) <= limit:
        return "".join(pieces)
    kept, room = list[str](), limit - 1
    for piece in pieces:
        room -= _width(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept).rstrip() + "\u2026"


def _length(text: str) -> int:
    return sum(map(_width, text))


def _width(piece: str) -> int:
    # Slack does not say in what it counts; UTF-16 units, as its clients would, is the careful guess.
    return 2 if piece > "\uffff" else len(piece)


def _address(url: str) -> str | None:
    url = url.strip()
    if not _WEB.match(url):
        return None
    encoded = _NOT_IN_A_URL.sub(lambda found: quote(found[0], safe="", errors="replace"), url)
    encoded = encoded.replace("&", "&amp;")
    return encoded if len(encoded) <= ADDRESS_LIMIT else None
