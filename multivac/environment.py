"""What the environment says about settings: overrides, secrets in files, and `${NAME}` in YAML.

Only `multivac.settings` calls it, with the environment as an argument.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from multivac.errors import BadConfig, Finding
from multivac.reading import suggest

_PREFIX = "MULTIVAC_"
_NAME = re.compile(r"\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)\})")


def name_of(key: str) -> str:
    """Return the variable that overrides a dotted key: `slack.bot_token` is `MULTIVAC_SLACK__BOT_TOKEN`."""
    return _PREFIX + key.replace(".", "__").upper()


def overrides(
    environ: Mapping[str, str], *, keys: Collection[str], secrets: Collection[str]
) -> tuple[dict[str, tuple[str, str]], list[Finding]]:
    """Return, for each dotted key that the environment sets, the variable and its value; and the mistakes.

    An empty variable counts as not set, as Compose files write it. Mistakes are names that look
    like ours and are unknown, and secret files that cannot be read.
    """
    plain = {name_of(key): key for key in keys}
    files = {f"{name_of(key)}_FILE": key for key in secrets}
    findings = list(_unknown(environ, [*plain, *files]))
    found = {plain[name]: (name, value) for name, value in environ.items() if name in plain and value}
    for name, key in files.items():
        if not environ.get(name):
            continue
        if key in found:
            findings.append(Finding(name, f"is set, and {found[key][0]} too.", "Remove one of them."))
        try:
            found[key] = (name, Path(environ[name]).read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            # The value is not shown: people put the secret itself there.
            why = f"names a file that cannot be read: {getattr(error, 'strerror', 'it is no text')}."
            findings.append(Finding(name, why, "Write the path of the file that holds the secret."))
    return found, findings


def _unknown(environ: Mapping[str, str], known: list[str]) -> Iterator[Finding]:
    flat = {name.replace("__", "_"): name for name in known}
    for name, value in environ.items():
        if not name.startswith(_PREFIX) or name in known:
            continue
        if "__" in name:
            yield Finding(name, "is no setting.", suggest(name, known))
        # Kubernetes itself sets MULTIVAC_SERVER_PORT=tcp://... for a service called multivac-server.
        elif name in flat and not value.startswith("tcp://"):
            yield Finding(name, "is no setting.", f"Did you mean {flat[name]}, with two underscores?")


def fill_in(written: Any, environ: Mapping[str, str], *, file: str) -> Any:
    """Return `written` with each `${NAME}` replaced and `$$` as a plain $; `BadConfig` for unset names."""
    findings = [
        Finding(
            f"{file}: {'.'.join(path)}",
            f"asks for ${{{name}}}, which is not set in the environment.",
            f"Set {name}, or write $$ for a plain $.",
        )
        for path, text in _texts(written, ())
        for name in dict.fromkeys(_NAME.findall(text))
        if name and name not in environ
    ]
    if findings:
        raise BadConfig(*findings)
    return _fill(written, environ)


def _texts(written: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(written, str):
        yield path, written
    if isinstance(written, dict | list):
        pairs = written.items() if isinstance(written, dict) else enumerate(written)
        for key, inner in pairs:
            yield from _texts(inner, (*path, str(key)))


def _fill(written: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(written, dict):
        return {key: _fill(value, environ) for key, value in written.items()}
    if isinstance(written, list):
        return [_fill(value, environ) for value in written]
    if isinstance(written, str):
        return _NAME.sub(lambda found: environ[found[1]] if found[1] else "$", written)
    return written
