"""Calls to PagerDuty's REST API: one long-lived session, and errors in our words. For `pager.py`.

The SDK is `pdpyras`, whose own retries are switched off: whether and when to try again is decided
by the caller, who knows what else has to be done in the meantime.
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator, Mapping
from datetime import timedelta
from http import HTTPStatus

import structlog
from requests import ConnectTimeout, Response
from urllib3.exceptions import NewConnectionError

from integrations.allowance import Allowance
from integrations.pagerduty.bodies import NOTHING, Body, line, part, parts, words
from integrations.wire import Adapter
from multivac.budget import Errand, Rate
from multivac.errors import GiveUp, MultivacError, TryAgain
from multivac.tongue import mark, phrase

with warnings.catch_warnings():
    # Said at every import since 2025-06-20; why we use it all the same is in docs/dependencies.md.
    warnings.filterwarnings("ignore", message='The package "pdpyras" is deprecated', category=UserWarning)
    import pdpyras

log = structlog.get_logger(__name__)

CONNECTIONS = 64
# A key has 960 calls a minute: https://support.pagerduty.com/main/docs/rest-api-rate-limits. Half of
# them at once and half in the course of it stay below that in every minute.
RATE = Rate(480, 480)
_PAGE = 100
_FURTHEST = 10_000  # offset plus limit, by PagerDuty's classic pagination
_LONGEST_WAIT = timedelta(hours=1)
_LONGEST_WORDS = 300


class Invalid(GiveUp):
    """PagerDuty understood the request and says that it is wrong (400)."""


class Missing(GiveUp):
    """What we asked about does not exist, or is hidden from our token (404)."""


# What a status means that no repetition will change, and what a person can do about it.
_REFUSALS: Mapping[int, tuple[type[GiveUp], str, str]] = {
    400: (
        Invalid,
        mark("PagerDuty refuses what we ask about {what}: {said}"),
        mark("If it names the From address, set pagerduty.from_email to the e-mail of a PagerDuty user."),
    ),
    401: (
        GiveUp,
        mark("PagerDuty does not accept our token."),
        mark("Make a new REST API key in PagerDuty and put it into pagerduty.token."),
    ),
    403: (
        GiveUp,
        mark("PagerDuty does not let us at {what}: {said}"),
        mark("Give the API key of pagerduty.token full access, or see what the PagerDuty plan allows."),
    ),
    404: (
        Missing,
        mark("PagerDuty does not know {what}."),
        mark("See whether it still exists, and whether pagerduty.api_url names the right region."),
    ),
}
_OTHER_REFUSAL = (
    GiveUp,
    mark("PagerDuty gives an answer that we cannot use when asked about {what}: {said}"),
    mark("See whether pagerduty.api_url is the address of PagerDuty's REST API."),
)


class _Session(pdpyras.APISession):  # type: ignore[misc]  # pdpyras has no types
    """The SDK's session without its statistics, which cost time on each call and grow for ever."""

    def postprocess(self, response: Response, suffix: str | None = None) -> None:
        """Do nothing with an answer."""


class Rest:
    """Speaks to one PagerDuty account; safe to use from many threads, and silent until asked.

    `from_email` may be empty with a token of a person, whose name PagerDuty then writes itself.
    """

    def __init__(
        self,
        token: str,
        *,
        api_url: str,
        from_email: str,
        timeout: float,
        allowance: Allowance | None = None,
    ) -> None:
        self._token = token
        self._allowance = allowance
        self._session = _Session(token, default_from=from_email or None)
        self._session.url = api_url.rstrip("/")
        self._session.timeout = timeout
        # Without a bound of its own a 429 is retried for ever; -1 attempts hand back the first answer.
        self._session.retry = {429: 1}
        self._session.max_http_attempts = -1
        self._session.max_network_attempts = 0
        self._session.log = logging.getLogger(f"{__name__}.sdk")
        self._session.log.disabled = True  # it would call each 429 an error; our callers log it once
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, Adapter(pool_connections=2, pool_maxsize=CONNECTIONS, max_retries=0))

    def on_behalf(self, errand: Errand) -> Rest:
        """The same session, whose calls are made when it is the errand's turn."""
        bound = copy.copy(self)
        bound._allowance = self._allowance and self._allowance.on_behalf(errand)  # noqa: SLF001 - our own copy
        return bound

    def get(self, path: str, params: Mapping[str, object] | None = None, *, what: str) -> Body:
        """The answer to a question; `what` names what it is about, for when it fails."""
        return self._ask("GET", path, what=what, params=dict(params or {}))

    def post(self, path: str, body: Mapping[str, object], *, what: str) -> Body:
        """The answer to a request that adds something."""
        return self._ask("POST", path, what=what, json=dict(body))

    def put(self, path: str, body: Mapping[str, object], *, what: str, sender: str | None = None) -> Body:
        """The answer to a request that changes something, in the name of the user with this e-mail."""
        headers = {"From": sender} if sender else {}
        return self._ask("PUT", path, what=what, json=dict(body), headers=headers)

    def pages(self, name: str, params: Mapping[str, object] | None = None, *, what: str) -> Iterator[Body]:
        """Every object of a list, page after page, up to the ten thousand PagerDuty gives."""
        offset = 0
        while offset + _PAGE <= _FURTHEST:
            asked = {**(params or {}), "limit": _PAGE, "offset": offset}
            page = self.get(f"/{name}", asked, what=what)
            listed = page.get(name)
            if not isinstance(listed, list):
                raise _nonsense()
            yield from parts(listed)
            offset += len(listed)
            if page.get("more") is not True or not listed:
                return
        log.warning("pagerduty lists no further", list=name, read=offset)

    def _ask(self, verb: str, path: str, *, what: str, **sent: object) -> Body:
        if self._allowance is not None:
            self._allowance.before()
        try:
            response = self._session.request(verb, path, allow_redirects=False, **sent)
        except pdpyras.PDHTTPError as error:
            # Not chained: the SDK's own text shows the last characters of the token.
            raise self._failure(error.response, what) from None
        except (pdpyras.PDClientError, ValueError) as error:
            raise _unanswered(error) from error
        if not HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES:
            raise self._failure(response, what)
        return _decoded(response)

    def _failure(self, response: Response, what: str) -> MultivacError:
        status, said = response.status_code, self._words(response)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            if self._allowance is not None:
                self._allowance.slow_down(_wait(response))
            return TryAgain(phrase("PagerDuty asks us to slow down."), after=_wait(response), reached=False)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            return TryAgain(
                phrase("PagerDuty answered {status} when asked about {what}.", status=status, what=what),
                after=_wait(response),
            )
        kind, why, fix = _REFUSALS.get(status, _OTHER_REFUSAL)
        return kind(phrase(why, what=what, said=said), fix=phrase(fix), operators=kind is not Missing)

    def _words(self, response: Response) -> str:
        try:
            said = part(response.json()).get("error")
        except (ValueError, RecursionError):
            return phrase("no reason given")
        error = part(said)
        details = error.get("errors")
        reasons = [error.get("message"), *(details if isinstance(details, list) else [details]), said]
        told = "; ".join(reason for each in reasons if (reason := words(each)))
        return line(told.replace(self._token, "[token]"), _LONGEST_WORDS) or phrase("no reason given")


def _unanswered(error: Exception) -> MultivacError:
    """Tell what a call without any answer means; pdpyras wraps what requests raised."""
    cause = error.__cause__ or error
    if isinstance(cause, ValueError):
        return GiveUp(
            phrase("PagerDuty cannot be asked: the address or the token is malformed."),
            fix=phrase(
                "Look for stray characters in pagerduty.api_url, pagerduty.token and pagerduty.from_email."
            ),
            operators=True,
        )
    if _never_sent(cause):
        return TryAgain(phrase("PagerDuty cannot be reached."), reached=False)
    return TryAgain(phrase("PagerDuty did not answer."))


def _never_sent(error: BaseException) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, ConnectTimeout) or isinstance(reason, NewConnectionError)


def _decoded(response: Response) -> Body:
    if not response.content:
        return NOTHING
    try:
        said = response.json()
    except (ValueError, RecursionError) as error:
        raise _nonsense() from error
    if not isinstance(said, dict):
        raise _nonsense()
    return said


def _nonsense() -> TryAgain:
    return TryAgain(phrase("PagerDuty's answer makes no sense."))


def _wait(response: Response) -> timedelta | None:
    """The wait PagerDuty asks for; headers may be missing from a real 429."""
    for name in ("ratelimit-reset", "retry-after"):
        said = response.headers.get(name, "").strip()
        if said.isascii() and said.isdigit() and (wait := timedelta(seconds=int(said[:9]))) <= _LONGEST_WAIT:
            return wait
    return None
