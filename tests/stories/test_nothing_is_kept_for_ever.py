"""What incidents leave behind in a daemon that runs for weeks is cleared away, however much it is."""

import time

import pytest

from tests.processes.engine import note_ended_jobs, noted_jobs
from tests.stories.stage import Multivac

pytestmark = pytest.mark.every_database


def test_the_engine_forgets_every_job_that_ended_an_hour_ago_and_no_other(
    multivac: Multivac, database_url: str
) -> None:
    multivac.start()
    note_ended_jobs(database_url, 2_500, ended_at=time.time() - 3_700)
    note_ended_jobs(database_url, 20, ended_at=time.time() - 3_400)
    multivac.running.beat.keep_house()
    assert noted_jobs(database_url) == 20
