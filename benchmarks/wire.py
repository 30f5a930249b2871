"""A bare HTTP client over connections that stay open: it costs as little as one can in Python.

The ideal client, the webhooks and the sandbox's own API all go through here, so that what is measured
is the other side.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and when (monotonic seconds) it was asked for and was there."""

    status: int
    body: bytes
    asked: float
    answered: float

    @property
    def json(self) -> Any:
        """The body as JSON; nothing where there is none."""
        return json.loads(self.body) if self.body else None


class Wire:
    """One server; a call that finds no idle connection opens one."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._base = parts.hostname or "", parts.port or 80, parts.path
        self._idle: list[Connection] = []

    async def open(self, number: int) -> None:
        """Have so many connections ready."""
        self._idle += await asyncio.gather(*(self._connect() for _ in range(number)))

    async def call(
        self, verb: str, path: str, body: bytes = b"", *, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Make one call."""
        asked = time.monotonic()
        lines = [f"{verb} {self._base}{path} HTTP/1.1", f"Host: {self._host}:{self._port}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        request = "\r\n".join(lines).encode() + body
        kept = self._take()
        try:
            status, answer = await self._exchange(kept or await self._connect(), request)
        except (ConnectionError, asyncio.IncompleteReadError):
            if kept is None:
                raise
            # The server closed it just as we spoke; as every client does, once more on a new one.
            status, answer = await self._exchange(await self._connect(), request)
        return Reply(status, answer, asked, time.monotonic())

    async def _exchange(self, connection: Connection, request: bytes) -> tuple[int, bytes]:
        reader, writer = connection
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        _, _, length = head.partition("\r\ncontent-length:")
        answer = await reader.readexactly(int(length.split("\r\n", 1)[0])) if length else b""
        self._idle.append(connection)
        return int(head.split(" ", 2)[1]), answer

    async def post(self, path: str, **fields: Any) -> Any:
        """Post JSON and give the JSON that is answered. Raises RuntimeError for a refusal."""
        reply = await self.call(
            "POST", path, json.dumps(fields).encode(), headers={"Content-Type": "application/json"}
        )
        return _good(reply, path)

    async def get(self, path: str) -> Any:
        """Get JSON. Raises RuntimeError for a refusal."""
        return _good(await self.call("GET", path), path)

    def close(self) -> None:
        """Close what is idle."""
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()

    def _take(self) -> Connection | None:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
        return None

    async def _connect(self) -> Connection:
        return await asyncio.open_connection(self._host, self._port, limit=2**24)


def _good(reply: Reply, path: str) -> Any:
    if reply.status >= 400:
        raise RuntimeError(f"{path}: {reply.status} {reply.body[:300].decode(errors='replace')}")
    return reply.json
