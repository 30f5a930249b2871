"""The daemon as a process of its own: started, asked over HTTP, told to stop, killed; and what it wrote."""

import hashlib
import hmac
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]
SECRET = "a-webhook-secret-of-the-tests"
HOOK = "/webhooks/pagerduty"
READY_SECONDS = 25.0

Answer = tuple[int, str, Mapping[str, str]]


def settings_for(sandbox_url: str, database_url: str) -> dict[str, str]:
    """A complete configuration by environment, at a sandbox; logs as JSON, one object a line."""
    return {
        "MULTIVAC_SERVER__PORT": "0",
        "MULTIVAC_SERVER__CLOCK_URL": sandbox_url,
        "MULTIVAC_DATABASE__URL": database_url,
        "MULTIVAC_SLACK__BOT_TOKEN": "xoxb-sandbox",
        "MULTIVAC_SLACK__API_URL": f"{sandbox_url}/slack/api/",
        "MULTIVAC_SLACK__ANNOUNCE_CHANNEL": "incidents",
        "MULTIVAC_STORM__NEW_INCIDENTS": "1000",  # what is tested here is how all of them are done, not when
        "MULTIVAC_JIRA__URL": f"{sandbox_url}/jira",
        "MULTIVAC_JIRA__FLAVOUR": "cloud",
        "MULTIVAC_JIRA__USER": "multivac@example.com",
        "MULTIVAC_JIRA__TOKEN": "sandbox-jira-token",
        "MULTIVAC_JIRA__PROJECT": "OPS",
        "MULTIVAC_PAGERDUTY__TOKEN": "sandbox-pagerduty-token",
        "MULTIVAC_PAGERDUTY__FROM_EMAIL": "ana@example.com",
        "MULTIVAC_PAGERDUTY__API_URL": f"{sandbox_url}/pagerduty",
        "MULTIVAC_PAGERDUTY__WEBHOOK_SECRETS": SECRET,
        "MULTIVAC_LOG__FORMAT": "json",
    }


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The machine's own environment without settings of Multivac, and these settings."""
    # A daemon that may not keep what Python compiles starts three times as slowly, each time.
    unwanted = ("MULTIVAC_", "PYTHONDONTWRITEBYTECODE")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return {**ours, "PYTHONPATH": str(ROOT), **settings}


def multivac(
    *arguments: str, settings: Mapping[str, str], folder: Path, timeout: float = 25.0
) -> subprocess.CompletedProcess[str]:
    """One command that ends by itself, run in `folder`."""
    return subprocess.run(
        [sys.executable, "-m", "multivac", *arguments],
        cwd=folder,
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def signed(body: bytes, *secrets: str) -> dict[str, str]:
    """The signature header of a body, one signature for each secret."""
    each = [hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in secrets]
    return {"X-PagerDuty-Signature": ",".join(f"v1={one}" for one in each)}


def ask(
    url: str, verb: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """One request on a connection of its own: status, body and headers (lower-case)."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=8)
    try:
        connection.request(verb, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), {n.lower(): v for n, v in answer.headers.items()}
    finally:
        connection.close()


def until(true: Callable[[], Any], seconds: float, what: str | Callable[[], str]) -> None:
    """Look again and again until `true()` holds; AssertionError that says what did not happen."""
    ends = time.monotonic() + seconds
    while not true():
        if time.monotonic() > ends:
            raise AssertionError(what if isinstance(what, str) else what())
        time.sleep(0.05)


class Daemon:
    """`multivac run` with these settings; `output` is all that its starts have written so far."""

    def __init__(
        self,
        settings: Mapping[str, str],
        folder: Path,
        name: str = "daemon",
        command: Sequence[str] = ("multivac", "run"),
    ) -> None:
        self.settings = dict(settings)
        self._command = [sys.executable, "-m", *command]
        self._folder = folder
        self._log = folder / f"{name}.log"
        self._log.touch()
        self._begins = 0
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> Self:
        """Start without waiting."""
        self._begins = self._log.stat().st_size
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=environment(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return self

    def start(self) -> Self:
        """Start, and return once it is ready."""
        return self.launch().wait_until_ready()

    def wait_until_ready(self) -> Self:
        """Return once it says so, on its log and over HTTP; AssertionError if it ends instead."""
        until(lambda: self.url or self.ended, READY_SECONDS, lambda: f"not ready:\n{self.output}")
        if self.ended:
            raise AssertionError(f"it ended with {self.code}:\n{self.output}")
        until(lambda: self.get("/readyz")[0] == 200, READY_SECONDS, "readyz does not say so")
        return self

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def code(self) -> int | None:
        return self.process.poll()

    @property
    def output(self) -> str:
        """All that it wrote, over all its starts."""
        return self._log.read_text(errors="replace")

    def said(self, event: str) -> list[dict[str, Any]]:
        """The log lines of this start with that text, where it logs as JSON."""
        lines = [json.loads(line) for line in self._written.splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == event]

    @property
    def _written(self) -> str:
        text = self._log.read_bytes()[self._begins :].decode(errors="replace")
        return re.sub(r"\x1b\[[0-9;]*m", "", text)

    @property
    def url(self) -> str:
        """Where this start listens, as its log says; empty before that."""
        ready = [line for line in self._written.splitlines() if re.search(r"\bready\b", line)]
        return next((found[0] for line in ready if (found := re.search(r"http://[0-9.]+:\d+", line))), "")

    def get(self, path: str) -> Answer:
        return ask(self.url, "GET", path)

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Deliver a body, rightly signed unless the headers say otherwise."""
        given = signed(body, SECRET) if headers is None else headers
        return ask(self.url, "POST", HOOK, body, {"Content-Type": "application/json", **given})

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kill -9; killed already is fine."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Stop it where it stands, so that it no longer reads what vendors answer."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on where it stood."""
        self.signal(signal.SIGCONT)

    def wait(self, seconds: float) -> int:
        """Its exit code, once it has ended by itself."""
        return self.process.wait(seconds)

    def stop(self) -> float:
        """SIGTERM, and the seconds it took to end; it must end well."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        code = self.wait(28)
        assert code == 0, f"it ended with {code}:\n{self.output[-4000:]}"
        return time.monotonic() - began
