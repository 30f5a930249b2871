"""What every PagerDuty request passes first: credentials, rate limit, `From`; and how errors are worded."""

from collections.abc import Callable, Sequence
from typing import Any

from integrations.sandbox.limits import Buckets
from integrations.sandbox.pagerduty_model import API, Account, Json, User
from integrations.sandbox.world import Answer, Call, Fault, FaultWords, World

TOKEN = "sandbox-pagerduty-token"  # opens nothing but the sandbox
PER_MINUTE = 960
CODES = {400: 2001, 401: 2006, 402: 2012, 403: 2010, 404: 2100, 429: 2020}
MESSAGES = {
    400: "Invalid Input Provided",
    401: "Unauthorized",
    402: "Required abilities are unavailable",
    403: "Access Denied",
    404: "Not Found",
    429: "Rate Limit Exceeded",
}


class Refusal(Exception):
    """A request PagerDuty does not do, with the status and error body it answers."""

    def __init__(
        self, status: int, *errors: str, code: int | None = None, message: str | None = None
    ) -> None:
        super().__init__(status, *errors)
        self.status = status
        self.errors = errors
        self.code = code or CODES[status]
        self.message = message or MESSAGES[status]

    def answer(self) -> Answer:
        """Give it as it goes over the wire."""
        return Answer(self.status, error_body(self.message, self.code, self.errors))


def error_body(message: str, code: int, errors: Sequence[str] = ()) -> Json:
    """Give PagerDuty's error object."""
    return {"error": {"message": message, "code": code, **({"errors": list(errors)} if errors else {})}}


def fault_words() -> FaultWords:
    """Give how PagerDuty words what goes wrong on purpose."""
    return FaultWords(refuse=_refuse, rate_limit=_rate_limit, server_error=_server_error)


def _refuse(fault: Fault) -> Answer:
    status = fault.status or 400
    message = MESSAGES.get(status, "Error")
    return Answer(status, error_body(message, CODES.get(status, 2000), [fault.error] if fault.error else []))


def _rate_limit(fault: Fault) -> Answer:
    # Headers may be missing from a real 429, so they only come when the fault names a time.
    headers = _limit_headers(0, fault.retry_after) if fault.retry_after is not None else {}
    return Answer(429, error_body(MESSAGES[429], 2020), headers)


def _server_error(fault: Fault) -> Answer:
    return Answer(fault.status or 500, error_body(fault.error or "Internal Server Error", 2000))


def _limit_headers(left: float, reset: float) -> dict[str, str]:
    return {
        "ratelimit-limit": str(PER_MINUTE),
        "ratelimit-remaining": str(int(left)),
        "ratelimit-reset": str(max(1, round(reset))),
    }


class Gate:
    """Checks credentials and limits in front of a handler.

    `tokens` are account keys; `user_tokens` belong to a person (a user's id) and make `From` superfluous.
    """

    def __init__(self, world: World, account: Callable[[], Account]) -> None:
        self.tokens = {TOKEN}
        self.user_tokens: dict[str, str] = {}
        self._world = world
        self._account = account
        self._buckets = Buckets(world.clock)

    def admit(self, handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        """Give a handler that answers only those who may ask, with PagerDuty's headers and error bodies."""

        def guarded(call: Call) -> Answer:
            try:
                token = self._token(call)
                headers = self._count(token)
                answer = handler(call)
            except Refusal as refusal:
                return refusal.answer()
            body = answer.encoded().replace(API.encode(), self._base(call))
            return Answer(answer.status, body, {**headers, **answer.headers})

        return guarded

    def person(self, call: Call) -> User | None:
        """Give whose token it is, None for an account key."""
        owner = self.user_tokens.get(self._token(call))
        return self._account().users[owner] if owner else None

    def sender(self, call: Call) -> User:
        """Give who makes a change: `From`, which account keys must send, or the token's owner."""
        own, email = self.person(call), call.headers.get("from")
        if own is not None:
            return own
        if not email:
            raise Refusal(400, "The From header is required for this request", message="Bad Request")
        sender = next((u for u in self._account().users.values() if u.email == email), None)
        if sender is None:
            raise Refusal(400, "Requester User Not Found")
        return sender

    def reset(self) -> None:
        """Accept only the sandbox's own key again and refill the limits."""
        self.tokens = {TOKEN}
        self.user_tokens.clear()
        self._buckets.clear()

    def _token(self, call: Call) -> str:
        scheme, _, rest = call.headers.get("authorization", "").partition(" ")
        token = rest.strip().removeprefix("token=") if scheme == "Token" else rest.strip()
        if scheme not in {"Token", "Bearer"} or (token not in self.tokens and token not in self.user_tokens):
            raise Refusal(401)
        return token

    def _count(self, token: str) -> dict[str, str]:
        rate: Any = {"per_second": PER_MINUTE / 60, "burst": PER_MINUTE}
        if self._world.limits_on and self._buckets.take(token, **rate):
            raise _TooMany
        left = self._buckets.level(token, **rate)
        return _limit_headers(left, (PER_MINUTE - left) / (PER_MINUTE / 60))

    def _base(self, call: Call) -> bytes:
        """Give the address the client used, so that an SDK can follow `self`."""
        return f"http://{call.headers['host']}/pagerduty".encode() if "host" in call.headers else API.encode()


class _TooMany(Refusal):
    def __init__(self) -> None:
        super().__init__(429)

    def answer(self) -> Answer:
        body = super().answer()
        return Answer(429, body.body, _limit_headers(0, 1))
