"""The HTTP server on a thread of its own, so that the main thread can wait for signals."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from functools import partial
from typing import cast

import uvicorn
from fastapi import FastAPI

from multivac.errors import BadConfig, Finding, sure
from multivac.web.guard import Guard, Guarded

_KEEP_ALIVE_SECONDS = 75  # longer than a caller's, so that we never close as a request is sent


class _Swept(uvicorn.Server):
    """uvicorn, which looks at its connections each second."""

    def __init__(self, config: uvicorn.Config, guard: Guard) -> None:
        super().__init__(config)
        self._guard = guard

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        if counter % 10 == 0:
            self._guard.sweep()
        return await super().on_tick(counter)


class Server:
    """Serves one application until it is stopped."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._guard = Guard()
        config = uvicorn.Config(
            app,
            http=cast(type[asyncio.Protocol], partial(Guarded, self._guard)),
            ws="none",
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        self._server = _Swept(config, self._guard)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens; the port is the real one, also where 0 was asked for."""
        host, port = sure(self._socket).getsockname()[:2]  # asked for after `start`
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def start(self) -> None:
        """Listen. Raises `BadConfig` if the address is taken."""
        self._guard.fit()
        self._socket = self._listen()
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="web", daemon=True
        )
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.005)

    def stop(self) -> None:
        """Answer what is being answered, then close."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        # The protocol is named, or asyncio would leave Nagle's algorithm on: 44 ms for each answer.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((self._host, self._port))
        except OSError as error:
            listening.close()
            why = f"cannot listen on {self._host}:{self._port} ({error.strerror})."
            raise BadConfig(
                Finding("server.port", why, "Choose a free port, or stop what uses it.")
            ) from error
        return listening
