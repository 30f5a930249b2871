"""HTTP connections that stay open and ask, before anything leaves on them, whether it still may.

The adapters of all vendors speak over these. A process that was frozen goes on where it stood, perhaps
in the middle of connecting: so the question is put at the socket, when the connection stands.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from multivac.ports import before_sending


class _Plain(HTTPConnection):
    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        before_sending()
        super().send(data)


class _Encrypted(_Plain, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _Encrypted


_POOLS: Mapping[str, type[HTTPConnectionPool]] = {"http": _PlainPool, "https": _EncryptedPool}


def asking(pools: PoolManager) -> PoolManager:
    """The same pools, whose connections ask `before_sending` before each request and each part of one."""
    pools.pool_classes_by_scheme = dict(_POOLS)
    return pools


class Adapter(HTTPAdapter):
    """For requests: many connections that are kept open, through gateways that forget idle ones too."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools; called by requests."""
        alive = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
        if hasattr(socket, "TCP_KEEPIDLE"):
            alive.append((socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 45))
        super().init_poolmanager(
            *args, **kwargs, socket_options=[*HTTPConnection.default_socket_options, *alive]
        )
        asking(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """The pools of a proxy; called by requests."""
        return asking(super().proxy_manager_for(*args, **kwargs))
