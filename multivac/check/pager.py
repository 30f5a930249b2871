"""What is checked in PagerDuty: token, sender, webhook, and the schedules, policies and services named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial

from multivac.check.doctors import Hook, PagerDoctor
from multivac.check.named import Wishes
from multivac.check.questions import Area, Question
from multivac.check.verdicts import Verdict
from multivac.sections import PagerDutySettings

HOOK = "/webhooks/pagerduty"
_TOKEN = "It is made at PagerDuty > Integrations > API Access Keys and belongs into pagerduty.token."  # noqa: S105 - where it is, not what
_WEBHOOKS = "PagerDuty > Integrations > Generic Webhooks (v3)"


@dataclass(frozen=True, slots=True)
class PagerExamination:
    """Try the token; if it is good, everything that is done with it."""

    area: Area
    pager: PagerDoctor
    pagerduty: PagerDutySettings
    wished: Wishes
    public_url: str | None

    def examine(self) -> list[Verdict]:
        """Return what was found."""
        passed: list[str] = []
        found = self.area.ask(Question("the token", partial(self._token, passed), _TOKEN))
        return found + self.area.ask(*self._questions()) if passed else found

    def _token(self, passed: list[str]) -> Iterator[Verdict]:
        owner = self.pager.whoami()
        passed.append(owner)
        yield self.area.ok(f"the token is good: {owner}")

    def _questions(self) -> Iterator[Question]:
        yield Question("pagerduty.from_email", self._sender)
        yield Question("the webhook subscription", self._webhook)
        for schedule, by in self.wished.schedules.items():
            name = f'the schedule "{schedule}" ({by})'
            yield Question(name, partial(self._schedule, schedule, name))
        if self.wished.policies:
            yield Question("the escalation policies", self._policies)
        if self.wished.services:
            yield Question("the services", self._services)

    def _sender(self) -> Iterator[Verdict]:
        email = self.pagerduty.from_email
        if email is None:
            what = "pagerduty.from_email is not set: with a key of the account, notes on alerts are refused"
            fix = "Set it to the e-mail of a PagerDuty user, unless the token is a person's."
            yield self.area.warn(what, fix)
        elif any((user.email or "").casefold() == email.casefold() for user in self.pager.users()):
            yield self.area.ok(f"pagerduty.from_email is a user: {email}")
        else:
            what = f"pagerduty.from_email is {email}, which no user has: notes on alerts are refused"
            yield self.area.fail(what, "Write the e-mail of a PagerDuty user.")

    def _webhook(self) -> Iterator[Verdict]:
        hooks = list(self.pager.webhook_subscriptions())
        if self.public_url is None:
            similar = ", ".join(sorted({each.url for each in hooks if each.url.endswith(HOOK)})) or "none"
            what = (
                f"server.public_url is not set, so no webhook is known as ours (ending in {HOOK}: {similar})"
            )
            fix = "Set server.public_url to the address at which PagerDuty reaches this server."
            yield self.area.warn(what, fix)
            return
        url = self.public_url + HOOK
        ours = [each for each in hooks if each.url.rstrip("/") == url]
        active = [each for each in ours if each.active]
        if active:
            yield self._events(url, active)
        elif ours:
            what = f"the webhook to {url} is switched off: no alert arrives"
            yield self.area.fail(what, f"{_WEBHOOKS}: enable it.")
        else:
            fix = f"{_WEBHOOKS} > New Webhook: URL {url}, all incident events; its secret into "
            yield self.area.fail(
                f"no webhook leads to {url}: no alert arrives", f"{fix}pagerduty.webhook_secrets."
            )

    def _events(self, url: str, active: list[Hook]) -> Verdict:
        # A subscription without a list of events delivers all.
        everything = any(not each.events for each in active)
        delivered = {event for each in active for event in each.events}
        lacking = sorted(() if everything else self.pager.wanted_events() - delivered)
        fix = f"{_WEBHOOKS} > the one to {url}: select what is missing."
        if "incident.triggered" in lacking:
            return self.area.fail(f"the webhook to {url} lacks incident.triggered: no alert arrives", fix)
        if lacking:
            return self.area.warn(f"the webhook to {url} lacks {', '.join(lacking)}", fix)
        count = len(self.pagerduty.webhook_secrets)
        return self.area.ok(f"a webhook leads to {url}, and {count} secret(s) are set for it")

    def _schedule(self, schedule: str, name: str) -> Iterator[Verdict]:
        if not self.pager.schedule_exists(schedule):
            fix = "Write the exact name or the id of one: PagerDuty > People > On-Call Schedules."
            yield self.area.fail(f"{name} does not exist", fix)
        elif not self.pager.schedule_is_used(schedule):
            what = f"{name} is used by no escalation policy, so PagerDuty names nobody for it"
            yield self.area.warn(what, "Add it to an escalation policy; one that no service uses will do.")
        else:
            yield self.area.ok(f"{name} is there")

    def _policies(self) -> Iterator[Verdict]:
        known = {each.id: each.name for each in self.pager.rotas()}
        for policy, by in self.wished.policies.items():
            if policy in known:
                yield self.area.ok(f"the escalation policy {known[policy]} ({by}) is there")
                continue
            meant = next((key for key, name in known.items() if name.casefold() == policy.casefold()), None)
            where = "of one, the end of its address under PagerDuty > People > Escalation Policies"
            fix = f"Write its id, {meant}." if meant else f"Write the id {where}."
            yield self.area.fail(f'no escalation policy has the id "{policy}" ({by})', fix)

    def _services(self) -> Iterator[Verdict]:
        known = [name.casefold() for service in self.pager.services() for name in service]
        for pattern, by in self.wished.services.items():
            if any(fnmatchcase(name, pattern.casefold()) for name in known):
                yield self.area.ok(f'the service "{pattern}" ({by}) is there')
            else:
                what = f'no PagerDuty service is called "{pattern}" ({by}), so that rule matches nothing'
                yield self.area.warn(what, "Write the exact name or id of a service.")
