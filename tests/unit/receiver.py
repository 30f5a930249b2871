"""Somebody who receives webhooks over real HTTP, for the tests of the stand-ins that send them."""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Webhook:
    """One request as it arrived; header names are lower-case."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Answers with the statuses in `answers`, one each, then 202; `silent` never answers before `stop`."""

    def __init__(self) -> None:
        self.webhooks: list[Webhook] = []
        self.answers: list[int] = []
        self.silent = False
        self._arrived = threading.Condition()
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._kind())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def take(self, webhook: Webhook) -> int:
        with self._arrived:
            self.webhooks.append(webhook)
            self._arrived.notify_all()
            answer = self.answers.pop(0) if self.answers else 202
        if self.silent:
            self._over.wait(5)
        return answer

    def wait(self, n: int) -> list[Webhook]:
        """Give the webhooks once n have arrived; AssertionError after five seconds."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.webhooks) >= n, 5):
                raise AssertionError(f"{len(self.webhooks)} of {n} webhooks")
            return list(self.webhooks)

    def stop(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def _kind(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(receiver.take(Webhook(headers, body)))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Door
