"""Calls to Jira's REST API: one long-lived session, and errors in our words. For `tracker.py`.

The SDK is `jira`, used for its session, addresses and authentication. Its convenient methods are
left alone where they guess: they search at an address that Cloud has removed unless the server was
asked for its version first, and take the first hit for a user whom nothing matches.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Literal

import requests
from jira import JIRA
from jira.exceptions import JIRAError
from requests import ConnectTimeout, Response
from urllib3.exceptions import NewConnectionError

from integrations.allowance import Allowance
from integrations.jira.adf import one_line
from integrations.wire import Adapter
from multivac.budget import Errand, Rate
from multivac.errors import GiveUp, MultivacError, TryAgain
from multivac.tongue import mark, phrase

Flavour = Literal["cloud", "datacenter"]

CONNECTIONS = 64
# A site on Cloud answers 100 calls a second to each address, of which all together here stay below:
# https://developer.atlassian.com/cloud/jira/platform/rate-limiting/. Data Center has no limit of its own.
CLOUD_RATE = Rate(6_000, 100)
_LONGEST_WAIT = timedelta(hours=1)
_LONGEST_WORDS = 300
_VERSIONS = {"cloud": "3", "datacenter": "2"}


class Invalid(GiveUp):
    """Jira understood the request and says what is wrong with it (400), field by field if it can."""

    def __init__(self, why: str, *, fix: str = "", fields: Mapping[str, str] | None = None) -> None:
        super().__init__(why, fix=fix, operators=True)
        self.fields = dict(fields or {})


class Missing(GiveUp):
    """What we asked about does not exist, or is hidden from us (404)."""


# What a status means that no repetition will change, and what a person can do about it.
_REFUSALS: Mapping[int, tuple[type[GiveUp], str, str]] = {
    400: (
        Invalid,
        mark("Jira refuses what we ask about {what}: {said}"),
        mark("See the settings under jira and the project's configuration in Jira."),
    ),
    401: (
        GiveUp,
        mark("Jira does not accept our token."),
        mark("Make a new token in Jira for jira.token; on Cloud it belongs to the e-mail in jira.user."),
    ),
    403: (
        GiveUp,
        mark("Jira does not let us at {what}: {said}"),
        mark("Give the user of our token the permission in the Jira project."),
    ),
    404: (
        Missing,
        mark("Jira does not know {what}, or hides it from us: {said}"),
        mark("See whether it still exists and whether the user of our token may see it."),
    ),
}
_OTHER_REFUSAL = (
    GiveUp,
    mark("Jira gives an answer that we cannot use when asked about {what}: {said}"),
    mark("See whether jira.url is the address of Jira itself, without a path behind it."),
)
_PASSING = frozenset({408, 409, 425})


class Rest:
    """Speaks to one Jira; safe to use from many threads, and silent until asked."""

    def __init__(  # noqa: PLR0913 - what it speaks with, and how often it may
        self,
        url: str,
        user: str,
        token: str,
        *,
        flavour: Flavour,
        timeout: float,
        allowance: Allowance | None = None,
    ) -> None:
        self._token = token
        self._allowance = allowance
        self._sdk = JIRA(
            url.rstrip("/"),
            options={"rest_api_version": _VERSIONS[flavour]},
            basic_auth=(user, token) if user else None,
            token_auth=None if user else token,
            get_server_info=False,
            max_retries=0,
            timeout=timeout,
            logging=False,
        )
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, Adapter(pool_connections=2, pool_maxsize=CONNECTIONS, max_retries=0))

    def on_behalf(self, errand: Errand) -> Rest:
        """The same session, whose calls are made when it is the errand's turn."""
        bound = copy.copy(self)
        bound._allowance = self._allowance and self._allowance.on_behalf(errand)  # noqa: SLF001 - our own copy
        return bound

    def going_on(self) -> Rest:
        """The same session, for what has begun: its further calls count, and wait for no turn.

        Else, while turns come one by one, it would begin again for ever and come no further.
        """
        bound = copy.copy(self)
        bound._allowance = self._allowance and self._allowance.on_behalf(None)  # noqa: SLF001 - our own copy
        return bound

    @property
    def _session(self) -> requests.Session:
        return self._sdk._session  # noqa: SLF001 - the SDK has no public way to its session

    def ask(
        self,
        verb: str,
        path: str,
        *,
        what: str,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Any:
        """Jira's answer, decoded; `path` is below the API's root, `what` names the matter if it fails."""
        if self._allowance is not None:
            self._allowance.before()
        url = self._sdk._get_url(path)  # noqa: SLF001 - as _session
        sent = None if body is None else json.dumps(body)
        try:
            response = self._session.request(verb, url, params=params, data=sent, allow_redirects=False)
        except JIRAError as error:
            raise self._failure(error.response, what) from error
        except requests.RequestException as error:
            raise _unanswered(error) from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            # The SDK takes error bodies apart carelessly; what it trips over is no answer of Jira's.
            raise _nonsense() from error
        if not HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES:
            raise self._failure(response, what)
        return _decoded(response)

    def _failure(self, response: Response | None, what: str) -> MultivacError:
        if response is None:
            return _nonsense()
        status = response.status_code
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            if self._allowance is not None and not _is_about_one_issue(response):
                self._allowance.slow_down(_wait(response))
            return TryAgain(phrase("Jira asks us to slow down."), after=_wait(response), reached=False)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING:
            return TryAgain(
                phrase("Jira answered {status} when asked about {what}.", status=status, what=what),
                after=_wait(response),
            )
        kind, why, fix = _REFUSALS.get(status, _OTHER_REFUSAL)
        said, fields = self._words(response)
        told = phrase(why, what=what, said=said)
        if kind is Invalid:
            return Invalid(told, fix=phrase(fix), fields=fields)
        return kind(told, fix=phrase(fix), operators=kind is not Missing)

    def _words(self, response: Response) -> tuple[str, dict[str, str]]:
        """Give Jira's own words, all in one and field by field."""
        try:
            said = response.json()
        except (ValueError, RecursionError):
            said = None
        said = said if isinstance(said, dict) else {}
        errors = said.get("errors")
        fields = (
            {str(name): self._shown(why) for name, why in errors.items()} if isinstance(errors, dict) else {}
        )
        messages = said.get("errorMessages")
        general = messages if isinstance(messages, list) else []
        denied = response.headers.get("x-authentication-denied-reason", "")
        told = [*general, said.get("message"), *(f"{name}: {why}" for name, why in fields.items()), denied]
        return self._shown("; ".join(str(each) for each in told if each)) or phrase("no reason given"), fields

    def _shown(self, words: object) -> str:
        return one_line(str(words).replace(self._token, "[token]"), _LONGEST_WORDS)


def _unanswered(error: requests.RequestException) -> MultivacError:
    if isinstance(error, ValueError):  # requests' malformed addresses and headers are both
        return GiveUp(
            phrase("Jira cannot be asked: the address or the token is malformed."),
            fix=phrase("Look for stray characters in jira.url, jira.user and jira.token."),
            operators=True,
        )
    if _never_sent(error):
        return TryAgain(phrase("Jira cannot be reached."), reached=False)
    return TryAgain(phrase("Jira did not answer."))


def _never_sent(error: requests.RequestException) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, ConnectTimeout) or isinstance(reason, NewConnectionError)


def _decoded(response: Response) -> Any:
    if not response.content:
        return None
    try:
        return response.json()
    except (ValueError, RecursionError) as error:
        raise _nonsense() from error


def _nonsense() -> TryAgain:
    return TryAgain(phrase("Jira's answer makes no sense."))


def _is_about_one_issue(response: Response) -> bool:
    return "per-issue" in response.headers.get("RateLimit-Reason", "")


def _wait(response: Response) -> timedelta | None:
    """The wait that Retry-After asks for, in seconds or as a date; absurd ones count as none."""
    said = response.headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        wait = timedelta(seconds=int(said[:9]))
    else:
        try:
            wait = parsedate_to_datetime(said) - datetime.now(UTC)
        except (ValueError, TypeError):
            return None
    return max(wait, timedelta()) if wait <= _LONGEST_WAIT else None
