"""The wire to Slack: slack_sdk over connections that stay open, and its errors in our words.

chat.py makes every call through `ask`, the one place where what Slack or the network says becomes
`TryAgain` or `GiveUp`. The token is in no text made here.
"""

from __future__ import annotations

import copy
import json
import logging
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, ParamSpec
from urllib.parse import unquote, urlsplit
from urllib.request import Request, proxy_bypass

import urllib3
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError

from integrations.slack.rates import Pacer
from integrations.slack.refusals import MEANING, PASSING, PEOPLES_OWN, REPORT, SLOW_DOWN
from integrations.wire import asking
from multivac.budget import Errand
from multivac.errors import BadConfig, Finding, GiveUp, MultivacError, NameTaken, TryAgain
from multivac.tongue import phrase

Answer = dict[str, Any]
Asked = ParamSpec("Asked")

PAGE = 200
_PAGES = 500  # a cursor that never ends must not hold a thread for ever
_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_TOKEN = re.compile(r"[\x21-\x7e]+")


class Declined(GiveUp):
    """Slack said no: `error` is its own name for why, `answer` all that it said."""

    def __init__(self, error: str, answer: Answer) -> None:
        why, fix = _missing_scope(answer) if error == "missing_scope" else _meaning(error)
        super().__init__(
            why,
            fix=fix,
            operators=error not in PEOPLES_OWN,
        )
        self.error = error
        self.answer = answer


def silent() -> logging.Logger:
    """A logger for Slack's libraries, which says nothing of theirs and changes nothing else.

    They would describe each request and each message at debug level, people's addresses included, and
    log each failure that they raise anyway.
    """
    return logging.Logger("slack", level=logging.CRITICAL)  # noqa: LOG001  # outside the hierarchy


class Garbled(Exception):
    """Something answered in Slack's place, or the answer was cut short."""


class KeptOpen(WebClient):
    """slack_sdk's client over a pool of connections that stay open between calls.

    The SDK opens a connection for every call, and a TLS handshake takes longer than the call. It has
    no setting for that, so its one internal method that performs a request is replaced; whatever
    builds requests and reads answers stays the SDK's. Safe to use from many threads at once.
    """

    def __init__(
        self, token: str, *, api_url: str, timeout: float, connections: int, pacer: Pacer | None = None
    ) -> None:
        if not _TOKEN.fullmatch(token):
            # http.client would say so too, with the token in its message.
            raise BadConfig(Finding("Slack's bot token", "is empty or has spaces or line breaks in it."))
        # Its blind retries would say a message twice: whether to try again is decided in the core.
        super().__init__(
            token, base_url=api_url, timeout=math.ceil(timeout), logger=silent(), retry_handlers=[]
        )
        self._patience = urllib3.Timeout(connect=timeout, read=timeout)
        self._pool = asking(_pool(api_url, self.proxy, connections))
        self._pacer = pacer

    def on_behalf(self, errand: Errand) -> KeptOpen:
        """The same client and connections, whose calls are made when it is the errand's turn."""
        bound = copy.copy(self)
        bound._pacer = self._pacer and self._pacer.on_behalf(errand)  # noqa: SLF001  # our own copy
        return bound

    def api_call(self, api_method: str, **sent: Any) -> SlackResponse:
        """Make one call when it may be made. Raises `Paced` and what the SDK raises."""
        if self._pacer is None:
            return super().api_call(api_method, **sent)
        channel = _channel(sent)
        self._pacer.before(api_method, channel)
        try:
            return super().api_call(api_method, **sent)
        except SlackApiError as no:
            if _is_too_many(no.response):
                self._pacer.slow_down(api_method, channel, _wait(no.response.headers))
            raise

    def close(self) -> None:
        """Close the connections; calls under way end by themselves."""
        self._pool.clear()

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        body = req.data if isinstance(req.data, bytes) else b""
        reply = self._pool.request(
            "POST",
            url,
            body=body,
            headers=dict(req.header_items()),
            timeout=self._patience,
            retries=False,
            redirect=False,  # the token goes to no other address
        )
        text = reply.data.decode("utf-8", "replace")
        if reply.status == HTTPStatus.OK and not _is_object(text):
            raise Garbled
        headers = {name.lower(): value for name, value in reply.headers.items()}
        return {"status": reply.status, "headers": headers, "body": text}


def ask(
    method: Callable[Asked, SlackResponse], /, *args: Asked.args, **asked: Asked.kwargs
) -> tuple[Answer, Mapping[str, str]]:
    """Make one call; gives Slack's answer and headers. Raises `TryAgain`, `GiveUp` (as `Declined`)."""
    try:
        response = method(*args, **asked)
    except SlackApiError as no:
        raise _refusal(no.response) from no
    except Garbled as broken:
        raise TryAgain(phrase("Slack's answer cannot be read")) from broken
    except (NewConnectionError, ConnectTimeoutError, ProxyError) as nobody:
        raise TryAgain(phrase("Slack cannot be reached"), reached=False) from nobody
    except (SlackClientError, ValueError) as wrong:
        raise GiveUp(
            phrase("the call to Slack could not be formed"),
            fix=phrase("Check Slack's address in the settings, and the text that was to be sent."),
            operators=True,
        ) from wrong
    except HTTPError as silence:
        raise TryAgain(phrase("Slack did not answer")) from silence
    return _object(response.data), response.headers


def unless(method: Callable[[], SlackResponse], already: str) -> None:
    """Make a call; that it is done `already`, by Slack's name for it, is fine."""
    try:
        ask(method)
    except Declined as no:
        if no.error != already:
            raise


def pages(
    method: Callable[..., SlackResponse], key: str, *, limit: int = PAGE, **asked: Any
) -> Iterator[Answer]:
    """All items of a paged answer; a page may be short or empty, only an empty cursor is the end."""
    cursor: str | None = None
    for _ in range(_PAGES):
        answer, _ = ask(method, cursor=cursor, limit=limit, **asked)
        yield from answer.get(key) or ()
        cursor = (answer.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return


def piece(answer: Any, *path: str) -> str:
    """A text within an answer; an answer without it counts as cut short."""
    for name in path:
        answer = answer.get(name) if isinstance(answer, Mapping) else None
    if not isinstance(answer, str) or not answer:
        raise TryAgain(phrase("Slack's answer lacks {what}", what=".".join(path)))
    return answer


def _refusal(response: SlackResponse) -> MultivacError:
    answer = _object(response.data)
    error = str(answer.get("error", ""))
    if _is_too_many(response):
        return TryAgain(phrase("Slack asks for fewer calls"), after=_wait(response.headers), reached=False)
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TryAgain(phrase("Slack has trouble of its own (HTTP {status})", status=response.status_code))
    if not _WORD.fullmatch(error):
        # A proxy's page, for instance: Slack names its errors in one word.
        status = response.status_code
        return TryAgain(phrase("something else answered in Slack's place (HTTP {status})", status=status))
    if error in PASSING:
        return TryAgain(phrase("Slack has trouble of its own ({error})", error=error))
    if error == "name_taken":
        meaning, fix = MEANING[error]
        return NameTaken(phrase(meaning), fix=phrase(fix))
    return Declined(error, answer)


def _is_too_many(response: SlackResponse) -> bool:
    is_told_so = str(_object(response.data).get("error")) in SLOW_DOWN
    return is_told_so or response.status_code == HTTPStatus.TOO_MANY_REQUESTS


def _channel(sent: Mapping[str, Any]) -> str | None:
    given = sent.get("json") or sent.get("params") or sent.get("data") or {}
    return given.get("channel") if isinstance(given, Mapping) else None


def _meaning(error: str) -> tuple[str, str]:
    """Why Slack refused, and what to do about it."""
    if error not in MEANING:
        return phrase("Slack refused: {error}", error=error), phrase(REPORT)
    meaning, fix = MEANING[error]
    return f"{phrase(meaning)} ({error})", phrase(fix)


def _missing_scope(answer: Answer) -> tuple[str, str]:
    needed = answer.get("needed")
    if not isinstance(needed, str) or not re.fullmatch(r"[\w:.,| -]{1,200}", needed):
        return (
            phrase("the Slack app lacks a scope (missing_scope)"),
            phrase("Add a scope to the app's bot scopes and install it again."),
        )
    return (
        phrase("the Slack app lacks {scope} (missing_scope)", scope=needed),
        phrase("Add {scope} to the app's bot scopes and install it again.", scope=needed),
    )


def _wait(headers: Mapping[str, str]) -> timedelta | None:
    said = headers.get("retry-after", "").strip()
    return timedelta(seconds=float(said)) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", said) else None


def _object(answer: Any) -> Answer:
    return answer if isinstance(answer, dict) else {}


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _pool(api_url: str, proxy: str | None, connections: int) -> urllib3.PoolManager:
    # Not blocking: a call beyond the pool's size gets a connection of its own instead of waiting.
    if not proxy or proxy_bypass(urlsplit(api_url).hostname or ""):
        return urllib3.PoolManager(maxsize=connections, block=False)
    auth = urllib3.util.parse_url(proxy).auth
    headers = urllib3.make_headers(proxy_basic_auth=unquote(auth)) if auth else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, maxsize=connections, block=False)
