"""Slack's front door: commands, buttons, forms and events in, each as an `Ask` for the core's desk.

Slack waits three seconds for an answer, so a command and a button are acknowledged before anything is
done, a form is opened while its trigger is fresh, one that was sent is acknowledged with its answer or, if
that takes longer, with a word that it does, and an event is acknowledged after it was kept.
Only here is slack-bolt. Built by app.py.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any

import structlog
from slack_bolt import App, BoltRequest
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackClientError
from slack_sdk.signature import Clock as SignatureClock
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web import WebClient

from integrations.slack.calls import silent
from integrations.slack.events import WRITTEN, news_of, time_of
from integrations.slack.forms import FORM, Sent, draw_answer, on_it, read_fields, read_form
from integrations.slack.mouth import Mouth, Place
from integrations.slack.outcome import Outcome, outcome_of, salvage
from integrations.slack.patience import Patience, Waiting
from integrations.slack.saying import asked_by_shortcut, line_of, name_of, said_to_us
from integrations.slack.signs import Emoji, emoji_of, is_ours, read_sign
from integrations.slack.text import typed
from multivac.briefing import Form
from multivac.desk import Ask, Desk
from multivac.errors import MultivacError
from multivac.shortcuts import SHORTCUTS
from multivac.tongue import mark, phrase

log = structlog.get_logger()

_ANYTHING = re.compile(r".*", re.DOTALL)
# Most of them wait for a vendor: whoever asks for what needs none is not to wait for those.
_THREADS = 64
_LISTENERS = 16
_FORM_SECONDS = 2.0  # of the three after which Slack says that a form was not taken
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0  # seconds between two tries to open the socket
_PING_SECONDS = 2.0  # a lost connection is noticed by the next ping, and opened again
_STALE = mark("That button is of an older message. Use `/incident` to see what you can do now.")

Body = dict[str, Any]
Ack = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the web answers."""

    status: int
    text: str
    outcome: str
    headers: Mapping[str, str]
    afterwards: Callable[[], None] | None = None  # begins the work, which would hold the answer up


class _Held(threading.local):
    """The work that a request of this thread leads to, until it is answered; None while there is none."""

    works: list[Callable[[], None]] | None = None


class _Time(SignatureClock):
    """The daemon's clock for the SDK's check of a signature's age."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def now(self) -> float:
        """Seconds since 1970."""
        return self._now().timestamp()


class Inbound:
    """Receives what Slack sends over HTTP or a socket, and answers whoever did it."""

    def __init__(
        self,
        desk: Desk,
        mouth: Mouth,
        *,
        signing_secret: str | None,
        now: Callable[[], datetime],
        emoji: Emoji,
    ) -> None:
        self._emoji = emoji
        self._desk = desk
        self._mouth = mouth
        # Anybody can sign with an empty secret.
        self._verifier = SignatureVerifier(signing_secret, clock=_Time(now)) if signing_secret else None
        self._now = now
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="slack")
        self._patience = Patience(now)
        self._held = _Held()
        self._socket: _Socket | None = None
        self.app = self._bolt()

    def listen(self, app_token: str, *, api_url: str) -> None:
        """Hear Slack over a socket too; returns at once, and the connection is kept up from then on."""
        self._socket = _Socket(self.app, app_token, api_url=api_url)

    def stop(self) -> None:
        """Hear no more, and end what is being answered."""
        if self._socket is not None:
            self._socket.close()
        self._pool.shutdown(wait=True)
        self._patience.stop()
        self._mouth.close()

    def receive(self, raw: bytes, headers: Mapping[str, str]) -> Reply:
        """The answer to one request of Slack; `raw` is the body exactly as it came. Never raises."""
        named = {name.lower(): value for name, value in headers.items()}
        if self._verifier is None or not self._verifier.is_valid_request(raw, dict(named)):
            log.warning("request without a valid signature")
            return _plain(401, "The signature or its time is not valid.", "unsigned")
        if _is_rate_notice(raw):
            # Bolt has no listener that fits it, and would answer 404.
            log.warning("Slack delivers no more events for a minute: there were too many")
            return _plain(200, "", "rate limited")
        try:
            request = BoltRequest(body=raw.decode(), headers=dict(named))
        except ValueError:
            log.warning("request of Slack cannot be read", size=len(raw))
            return _plain(400, "The body cannot be read.", "unreadable")
        works = self._held.works = []
        try:
            answer = self.app.dispatch(request)
        except Exception:  # the web's boundary: Slack shows its own words for a 500
            log.exception("request of Slack not answered")
            return replace(_plain(500, "", "failed"), afterwards=partial(self._begin, works))
        finally:
            self._held.works = None
        said = {name.title(): values[0] for name, values in answer.headers.items() if values}
        outcome = "accepted" if answer.status < HTTPStatus.BAD_REQUEST else "refused"
        return Reply(answer.status, answer.body or "", outcome, said, partial(self._begin, works))

    def _bolt(self) -> App:
        """Bolt, told to keep out of what we do ourselves: signatures, tokens, and whom it writes to."""
        app = App(
            name="multivac",
            logger=silent(),
            client=WebClient(),
            authorize=_nobody,
            request_verification_enabled=False,  # `receive` does, by our own clock
            ignoring_self_events_enabled=False,  # `hear` does, since Bolt lets some through
            attaching_conversation_kwargs_enabled=False,
            # Listeners only acknowledge and hand the work to our threads: else Bolt would look every ten
            # milliseconds whether they have.
            process_before_response=True,
        )
        app.error(_log_error)
        app.middleware(self._keep_event)
        app.event(_ANYTHING)(lambda: None)  # kept already, by the line above
        app.command(_ANYTHING)(self._command)
        app.action(_ANYTHING)(self._action)
        app.view(_ANYTHING)(self._form)
        app.shortcut(_ANYTHING)(self._shortcut)
        return app

    # --- commands, buttons, forms -----------------------------------------------------------------

    def _command(self, ack: Ack, body: Body) -> None:
        ack()
        ask = Ask(
            request=f"command:{body['trigger_id']}",
            by=body["user_id"],
            name=str(body.get("user_name", "")),
            via="command",
            line=typed(str(body.get("text", ""))),
            channel=str(body.get("channel_id", "")),
        )
        place = Place(user=ask.by, channel=ask.channel, url=body.get("response_url"))
        self._answer_later(ask, place, trigger=body["trigger_id"])

    def _action(self, ack: Ack, body: Body) -> None:
        ack()
        action, user = body["actions"][0], body["user"]
        container, view = body.get("container") or {}, body.get("view") or {}
        channel = _channel_of(body)
        place = Place(
            user=user["id"],
            channel=channel,
            url=body.get("response_url"),
            replaces=bool(container.get("is_ephemeral")),
            in_window=view.get("type") == "home",
            window=str(view["id"]) if view.get("type") == "modal" else "",
        )
        line = line_of(action)
        if line is None:
            self._later(self._say_stale, place, trigger=body["trigger_id"])
            return
        ask = Ask(
            request=f"button:{body['trigger_id']}",
            by=user["id"],
            name=name_of(user),
            via="button",
            line=line,
            channel=channel,
            thread=str(container.get("thread_ts") or ""),
        )
        self._answer_later(ask, place, trigger=body["trigger_id"])

    def _form(self, ack: Ack, body: Body) -> None:
        view, user = body["view"], body["user"]
        sent = _sent(view)
        if sent is None:
            self._salvage(ack, view, user["id"])
            return
        ask = Ask(
            request=f"form:{view['id']}:{view.get('hash', '')}",
            by=user["id"],
            name=name_of(user),
            via="form",
            line=sent.line,
            channel=sent.channel,
            fields=sent.fields,
            as_of=sent.as_of,
            again=sent.again,
        )
        self._acknowledge(ack, ask, partial(outcome_of, self._desk, ask, sent), window=str(view["id"]))

    def _salvage(self, ack: Ack, view: Body, user: str) -> None:
        """Show what was typed into a form that this release does not know."""
        fields = {name: value for name, (_, value) in read_fields(view).items()}
        ask = Ask(request="", by=user, name="", via="form", line="", fields=fields)
        self._acknowledge(ack, ask, partial(salvage, self._desk, ask), window=str(view["id"]))

    def _acknowledge(self, ack: Ack, ask: Ask, work: Callable[[], Outcome], *, window: str) -> None:
        """Tell Slack what came of a form; in time, and so perhaps only that it takes longer."""
        begun = self._pool.submit(copy_context().run, work)
        done, _ = wait([begun], _FORM_SECONDS)
        if done:
            outcome = begun.result()
            ack(**outcome.shown)
            if outcome.is_told_later:
                self._later(self._tell, Place(user=ask.by, channel=ask.channel), outcome.reply, ask)
            elif outcome.is_over:
                self._later(self._show_home, ask.by)  # the page under the window shows what they have done
            return
        with self._desk.speaking_to(ask.by, at_once=True):
            ack(response_action="update", view=draw_answer(on_it()))
        place = Place(user=ask.by, channel=ask.channel, window=window, held=True)
        # Not before Slack has that: it would take the place of the answer.
        self._later(begun.add_done_callback, partial(self._tell_late, ask, place))

    def _tell_late(self, ask: Ask, place: Place, begun: Future[Outcome]) -> None:
        _show(partial(self._follow, ask, place, begun))

    def _follow(self, ask: Ask, place: Place, begun: Future[Outcome]) -> None:
        outcome = begun.result()
        with self._desk.speaking_to(ask.by):
            reply = self._desk.mend(ask, outcome.bad) if outcome.bad is not None else outcome.reply
            self._tell(place, reply, ask)
        if outcome.is_over and not ask.channel:
            self._show_home(ask.by)

    def _shortcut(self, ack: Ack, body: Body) -> None:
        ack()
        user, channel = body["user"], str((body.get("channel") or {}).get("id", ""))
        place = Place(user=user["id"], channel=channel, url=body.get("response_url"), in_window=not channel)
        chosen = next((one for one in SHORTCUTS if one.id == body["callback_id"]), None)
        if chosen is None:
            self._later(self._say_stale, place, trigger=body["trigger_id"])
            return
        ask = asked_by_shortcut(chosen, body)
        self._answer_later(ask, place, trigger=body["trigger_id"])

    def _later(self, work: Callable[..., None], *given: Any, **named: Any) -> None:
        """Do it on a thread of ours, in the language of whoever asked, once Slack has its answer."""
        spoken = partial(copy_context().run, _show, partial(work, *given, **named))
        if self._held.works is None:  # heard over the socket
            self._pool.submit(spoken)
        else:
            self._held.works.append(spoken)

    def _begin(self, works: Iterable[Callable[[], None]]) -> None:
        for work in works:
            self._pool.submit(work)

    def _answer_later(self, ask: Ask, place: Place, *, trigger: str = "") -> None:
        """Answer on a thread of ours; from now on they are told that they were heard, if that takes long."""
        waiting = self._patience.of(place, partial(self._hold, ask, place, trigger=trigger))
        self._later(self._answer, ask, waiting, trigger=trigger)

    def _hold(self, ask: Ask, place: Place, *, trigger: str) -> Place:
        with self._desk.speaking_to(ask.by, at_once=True):
            return self._mouth.hold(place, trigger=trigger, for_form=self._desk.opens_form(ask))

    def _answer(self, ask: Ask, waiting: Waiting, *, trigger: str) -> None:
        with waiting, self._desk.speaking_to(ask.by):
            reply = self._desk.answer(ask)
            place = waiting.end()
            self._tell(place, reply, ask, trigger=trigger)
            if place.in_window and reply is None:  # what they did on our page shows there
                self._show_home(ask.by)

    def _tell(self, place: Place, reply: Any, ask: Ask, *, trigger: str = "") -> None:
        again = f"{reply.line} {ask.quoted}".strip() if isinstance(reply, Form) else ""
        try:
            self._mouth.tell(place, reply, trigger=trigger, again=again)
        except MultivacError as error:
            log.warning("answer not shown", ref=ask.ref, why=str(error))

    def _say_stale(self, place: Place, *, trigger: str = "") -> None:
        with self._desk.speaking_to(place.user):
            self._mouth.say_line(place, phrase(_STALE), trigger=trigger)

    def _show_home(self, user: str) -> None:
        with self._desk.speaking_to(user):
            self._desk.show_home(user, self._mouth.publish)

    # --- events -----------------------------------------------------------------------------------

    def _keep_event(self, body: Body, next: Callable[[], Any]) -> Any:  # noqa: A002 - Bolt's own name
        """Keep an event before it is acknowledged: Slack delivers again what was not."""
        if body.get("type") == "event_callback":
            sign = read_sign(body, self._emoji.keeps)
            if sign is not None:
                self._desk.notice(sign)
            self._hear(body)
        return next()

    def _hear(self, body: Body) -> None:
        if (news := news_of(body)) is not None:
            self._desk.hear(f"slack:{body.get('event_id', '')}", news, at=time_of(body))
        event = body.get("event") or {}
        if not _is_by_a_person(event):
            return
        if event.get("type") == "app_home_opened" and event.get("tab") == "home":
            self._later(self._show_home, event["user"])
        elif event.get("type") == "reaction_added" and not is_ours(body, event["user"]):
            self._heed(body, event)
        elif (said := said_to_us(body, event)) is not None:
            self._answer_later(*said)

    def _heed(self, body: Body, event: Mapping[str, Any]) -> None:
        """Offer what an emoji stands for, to whoever put it under a message."""
        line, item = self._emoji.offers.get(emoji_of(event)), event.get("item") or {}
        if line is None or not item.get("ts"):
            return
        user, channel = event["user"], str(item.get("channel", ""))
        request = f"event:{body.get('event_id', '')}"
        ask = Ask(request=request, by=user, name="", via="reaction", line=line, channel=channel)
        self._later(self._offer, ask, Place(user=user, channel=channel), message=str(item["ts"]))

    def _offer(self, ask: Ask, place: Place, *, message: str) -> None:
        with self._desk.speaking_to(ask.by):
            self._tell(place, self._desk.offer(ask, message), ask)


class _Socket:
    """A connection to Slack that needs no public address.

    The SDK opens it again when it is lost; only the first time it would give up, so that is done here.
    """

    def __init__(self, app: App, app_token: str, *, api_url: str) -> None:
        web = WebClient(base_url=api_url, logger=silent(), retry_handlers=[])
        self._handler = SocketModeHandler(
            app,
            app_token,
            logger=silent(),
            web_client=web,
            concurrency=_LISTENERS,
            ping_interval=_PING_SECONDS,
        )
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._open, name="socket", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close it; what Slack has still to say goes to another replica, or is said again."""
        self._stopped.set()
        self._thread.join()
        self._handler.client.close()

    def _open(self) -> None:
        wait = _FIRST_WAIT
        while not self._stopped.is_set():
            try:
                self._handler.client.connect()
            except (SlackClientError, OSError, ValueError) as error:
                log.warning("no socket to Slack", why=type(error).__name__, again_in=wait)
                self._stopped.wait(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
            else:
                log.info("socket to Slack is open")
                return


def _show(work: Callable[[], None]) -> None:
    """Do what shows an answer, which nobody waits for: the boundary of a thread."""
    try:
        work()
    except MultivacError as error:
        log.warning("answer not shown", why=str(error))
    except Exception:
        log.exception("answer not shown")


def _nobody(**_: Any) -> AuthorizeResult:
    """Bolt asks whom a request is for; there is one workspace, and Bolt calls nobody on our behalf."""
    return AuthorizeResult(enterprise_id=None, team_id=None, bot_token="")


def _log_error(error: Exception) -> None:
    if isinstance(error, KeyError):  # of a body: it lacks what Slack always sends
        log.warning("request of Slack not understood", lacks=str(error))
        return
    log.error("request of Slack failed", exc_info=error)


def _is_by_a_person(event: Mapping[str, Any]) -> bool:
    is_written = event.get("subtype") in WRITTEN and not event.get("bot_id")
    return isinstance(event.get("user"), str) and is_written


def _channel_of(body: Body) -> str:
    """Where it was pressed, or where the window it was pressed in was asked for."""
    if (view := body.get("view")) is not None:
        sent = _sent(view)
        return sent.channel if sent is not None else ""
    container = body.get("container") or {}
    return str((body.get("channel") or {}).get("id") or container.get("channel_id") or "")


def _sent(view: Body) -> Sent | None:
    """The form; None for one that this release does not know."""
    if view.get("callback_id") != FORM:
        return None
    try:
        return read_form(view)
    except ValueError:
        return None


def _is_rate_notice(raw: bytes) -> bool:
    if b"app_rate_limited" not in raw:
        return False
    try:
        body = json.loads(raw)
    except ValueError:
        return False
    return isinstance(body, dict) and body.get("type") == "app_rate_limited"


def _plain(status: int, text: str, outcome: str) -> Reply:
    return Reply(status, text, outcome, {})
