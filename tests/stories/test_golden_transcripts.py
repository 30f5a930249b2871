"""What a whole channel reads like, storyline by storyline: each message in order, edits, mentions, buttons.

The transcripts are in `golden/transcripts`. After a change that is meant, write them again with
GOLDEN=write and read the difference.
"""

import os
from pathlib import Path

import pytest

from integrations.sandbox.server import Sandbox
from multivac.tongue import ENGLISH, LANGUAGES, settle_on
from tests.stories.golden.storylines import STORYLINES, Cast
from tests.stories.golden.transcript import shape, transcript
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

_FOLDER = Path(__file__).parent / "golden/transcripts"
_ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs


@_ON_SQLITE
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", STORYLINES)
def test_a_storyline_reads_as_it_did_and_alike_in_every_language(
    name: str, language: str, sandbox: Sandbox, multivac: Multivac, slack: Slack, *, clock: Clock
) -> None:
    try:
        STORYLINES[name](Cast(sandbox, multivac, slack, clock, language))
        told = transcript(sandbox)
    finally:
        settle_on(ENGLISH)
    file = _FOLDER / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write" and language == ENGLISH:
        file.write_text(told)
    if language == ENGLISH:
        assert told == file.read_text()
    else:
        assert shape(told) == shape(file.read_text())
