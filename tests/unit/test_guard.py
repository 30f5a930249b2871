"""What a stranger can hold of the web server is bounded: connections, time, and bytes in memory."""

import contextlib
import gzip
import http.client
import logging
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from multivac.telemetry import Telemetry
from multivac.web.guard import LARGEST_BODY, NoRoom, Room, TooLarge
from multivac.web.routes import Health, Parts, create
from multivac.web.server import Server
from tests.processes.daemon import until

HEAD = b"POST /webhooks/vendor HTTP/1.1\r\nHost: x\r\n"


@dataclass(frozen=True)
class Answer:
    status: int = 202
    text: str = "Accepted."
    outcome: str = "accepted"
    headers: Mapping[str, str] = field(default_factory=dict)
    afterwards: None = None


@dataclass
class Door:
    came: list[bytes] = field(default_factory=list)

    def receive(self, raw: bytes, headers: Mapping[str, str]) -> Answer:
        assert headers["host"]
        self.came.append(raw)
        return Answer()


class Site:
    """The real server with a door that takes everything, bounds of a test's own, and its errors."""

    def __init__(self) -> None:
        self.door = Door()
        self.room = Room(3 * LARGEST_BODY)
        self.telemetry = Telemetry("0")
        health = Health(lambda: True, lambda: True)
        parts = Parts(
            doors={"vendor": self.door}, health=health, telemetry=self.telemetry, version="0", room=self.room
        )
        self.server = Server(create(parts), "127.0.0.1", 0)
        self.guard = self.server._guard
        self.sockets: list[socket.socket] = []

    def connect(self) -> socket.socket:
        host, port = self.server.url.removeprefix("http://").split(":")
        one = socket.create_connection((host, int(port)), timeout=5)
        self.sockets.append(one)
        return one

    def post(self, body: bytes, **headers: str) -> int:
        asked = http.client.HTTPConnection(self.server.url.removeprefix("http://"), timeout=5)
        with contextlib.closing(asked):
            asked.request("POST", "/webhooks/vendor", body, headers)
            return asked.getresponse().status


@pytest.fixture
def site(caplog: pytest.LogCaptureFixture) -> Iterator[Site]:
    made = Site()
    made.server.start()
    yield made
    for one in made.sockets:
        one.close()
    made.server.stop()
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR] == []


def is_cut(one: socket.socket) -> bool:
    """Whether the other side closes the connection; TimeoutError if it does not."""
    with contextlib.suppress(ConnectionResetError):
        while one.recv(1000):
            pass
    return True


def test_what_is_sent_too_slowly_is_cut_off(site: Site) -> None:
    site.guard.patience = 0.2
    begun = (b"", b"POST /web", HEAD, HEAD + b"Content-Length: 100\r\n\r\nabc")
    slow = [site.connect() for _ in begun]
    for one, part in zip(slow, begun, strict=True):
        one.sendall(part)
    assert all(is_cut(one) for one in slow)
    assert site.door.came == []
    assert site.post(b"quick") == 202


def test_a_kept_connection_lives_on_between_requests(site: Site) -> None:
    site.guard.patience = 0.2
    one = site.connect()
    for _ in range(2):
        one.sendall(HEAD + b"Content-Length: 1\r\n\r\nx")
        answer = http.client.HTTPResponse(one)
        answer.begin()
        assert (answer.status, answer.read()) == (202, b"Accepted.")
        for _ in range(6):
            time.sleep(0.05)
        site.guard.sweep()
    assert len(site.door.came) == 2


@pytest.mark.parametrize("endless", [b"x: y\r\n", b"a" * 100])
def test_a_head_without_end_is_cut_off(site: Site, endless: bytes) -> None:
    one = site.connect()
    with contextlib.suppress(OSError):
        one.sendall(HEAD)
        for _ in range(10_000):
            one.sendall(endless * 100)
        pytest.fail("it was read without end")
    assert site.post(b"next") == 202


def test_headers_after_the_body_are_not_kept(site: Site) -> None:
    one = site.connect()
    one.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n" + b"late: header\r\n" * 9)
    until(lambda: site.room._left < 3 * LARGEST_BODY, 2, "not read")
    (held,) = site.guard.open
    assert len(held.headers) == 2
    one.sendall(b"\r\n")
    assert b" 202 " in one.recv(1000)
    assert site.door.came == [b"abc"]


def test_a_compressed_body_is_not_unpacked(site: Site) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    headers = {"Content-Encoding": "gzip"}
    assert site.post(bomb, **headers) == 202
    assert site.door.came == [bomb]


def test_a_body_that_is_cut_off_is_counted_and_nothing_else(site: Site) -> None:
    one = site.connect()
    one.sendall(HEAD + b"Content-Length: 100\r\n\r\nabc")
    until(lambda: site.room._left < 3 * LARGEST_BODY, 2, "not read")
    one.close()
    until(lambda: b'result="cut off"' in site.telemetry.text(), 2, "not counted")
    assert site.door.came == []
    assert site.room._left == 3 * LARGEST_BODY


def test_bodies_without_room_are_asked_for_again(site: Site) -> None:
    for _ in range(3):
        site.connect().sendall(HEAD + b"Content-Length: 1048576\r\n\r\n" + b"x" * (LARGEST_BODY - 1))
    until(lambda: site.room._left == 3, 4, lambda: f"{site.room._left} bytes are left")
    assert site.post(b"four") == 503
    assert site.post(b"two") == 202
    for one in site.sockets:
        one.close()
    until(lambda: site.room._left == 3 * LARGEST_BODY, 4, "the room is not given back")
    assert site.post(b"four") == 202


def test_the_longest_idle_connection_makes_room_for_a_new_one(site: Site) -> None:
    site.guard.most = 20
    kept = [site.connect() for _ in range(10)]
    for one in kept:
        one.sendall(HEAD + b"Content-Length: 1\r\n\r\nx")
        assert b" 202 " in one.recv(1000)
    silent = [site.connect() for _ in range(20)]
    assert site.post(b"quick") == 202
    assert all(is_cut(one) for one in [*kept, silent[0]])
    assert len(site.guard.open) <= 20
    silent[-1].sendall(HEAD + b"Content-Length: 1\r\n\r\nx")
    assert b" 202 " in silent[-1].recv(1000)


def test_a_body_takes_its_room_and_gives_it_back() -> None:
    room = Room(LARGEST_BODY + 10)
    with room.body() as first, room.body() as second:
        first.add(b"x" * LARGEST_BODY)
        with pytest.raises(TooLarge):
            first.add(b"x")
        second.add(b"x" * 10)
        with pytest.raises(NoRoom):
            second.add(b"x")
    with room.body() as third:
        third.add(b"x" * LARGEST_BODY)
