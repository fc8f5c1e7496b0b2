"""The real servers for the tests: one PostgreSQL, Redis and S3 per process of the run, and a whole Floor on demand."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import httpx
import psycopg
import pytest
from hypothesis import settings as hypothesis_settings

from infra import embedded, local, orgs
from infra import settings as settings_module
from infra.database import Database
from infra.files import Files

# The same examples every run, so that a red test is red for everyone; a deadline would measure the machine.
hypothesis_settings.register_profile("floor", derandomize=True, deadline=None)
hypothesis_settings.load_profile("floor")

MARKET_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def servers(worker_id):
    """The embedded servers, or those of FLOOR_TEST_DATABASE_URL (a superuser's) and FLOOR_TEST_REDIS_URL."""
    home = Path(tempfile.mkdtemp(prefix="floor-test-"))
    with embedded.start(home, _given(worker_id)) as running:
        yield running
    shutil.rmtree(home)


def _given(worker_id):
    given = {}
    if url := os.environ.get("FLOOR_TEST_REDIS_URL"):
        given["FLOOR_REDIS_URL"] = url
    if url := os.environ.get("FLOOR_TEST_DATABASE_URL"):
        name = f"floor_test_{worker_id}_{os.getpid()}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        given["FLOOR_DATABASE_URL"] = url.rpartition("/")[0] + f"/{name}"
    return given


@pytest.fixture(scope="session")
def settings(servers):
    return settings_module.read(servers.environment)


@pytest.fixture(scope="session")
def database(settings):
    database = Database(settings.database_url, max_size=8)
    yield database
    database.close()


@pytest.fixture(scope="session")
def files(settings):
    files = Files(settings)
    files.ensure_bucket()
    return files


@pytest.fixture
def org(database):
    return orgs.create_org(database, "test")


@pytest.fixture(scope="session")
def market_data():
    if not MARKET_DATA.is_dir():
        pytest.skip("the market data folder ../shared/data is not here")
    return MARKET_DATA


@pytest.fixture(scope="session")
def floor():
    """A whole running Floor, its workers started when jobs come: `.url`, `.key`, `.client` (httpx), `.floor`."""
    home = Path(tempfile.mkdtemp(prefix="floor-journey-"))
    with local.start(home, {"FLOOR_API_WORKERS": "1"}) as running:
        headers = {"Authorization": f"Bearer {running.api_key}"}
        with httpx.Client(base_url=running.url, headers=headers, timeout=75, trust_env=False) as client:
            yield SimpleNamespace(url=running.url, key=running.api_key, client=client, floor=running)
    shutil.rmtree(home)
