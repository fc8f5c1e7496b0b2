"""What Floor refuses to start with, each thing made wrong on the real servers, and every door held shut by it."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from infra import database as database_module
from infra import provision, safety

ROOT = Path(__file__).parents[2]
DOORS = {
    "api": ["-m", "gunicorn", "--bind=127.0.0.1:0", "--no-control-socket", "api.wsgi:app"],
    "dispatcher": ["-m", "worker.dispatcher"],
    "worker": ["-m", "worker.node", "compute"],
}


@contextmanager
def as_admin(url):
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def environment(servers):
    return {"PATH": os.environ["PATH"], **servers.environment}


@pytest.fixture
def scratch(servers):
    """A database of its own with the whole schema: its owner's address, and the processes' own."""
    with as_admin(servers.admin_url) as admin:
        admin.execute("CREATE DATABASE unsafe")
    runtime = servers.environment["FLOOR_DATABASE_URL"]
    try:
        owner = servers.admin_url.rpartition("/")[0] + "/unsafe"
        database_module.migrate(owner)
        yield owner, runtime.rpartition("/")[0] + "/unsafe"
    finally:
        with as_admin(servers.admin_url) as admin:
            admin.execute("DROP DATABASE unsafe WITH (FORCE)")


@pytest.fixture
def evicting(servers):
    with redis.Redis.from_url(servers.environment["FLOOR_REDIS_URL"]) as connection:
        connection.config_set("maxmemory-policy", "allkeys-lru")
        try:
            yield
        finally:
            connection.config_set("maxmemory-policy", "noeviction")


def refusal(environment):
    with pytest.raises(safety.UnsafeToStart) as told:
        safety.checked(environment)
    return str(told.value)


def test_the_embedded_default_may_start(environment, settings):
    assert safety.checked(environment).database_url == settings.database_url


def test_a_superuser_is_refused(environment, servers):
    assert "superuser" in refusal(environment | {"FLOOR_DATABASE_URL": servers.admin_url})


def test_the_tables_owner_is_refused(environment, scratch):
    owner, _ = scratch
    with as_admin(owner) as admin:
        admin.execute("CREATE ROLE table_owner LOGIN PASSWORD 'x'")
        try:
            admin.execute("CREATE TABLE owned (id text); ALTER TABLE owned OWNER TO table_owner")
            found = refusal(environment | {"FLOOR_DATABASE_URL": provision.with_login(owner, "table_owner", "x")})
        finally:
            admin.execute("DROP TABLE owned; DROP ROLE table_owner")
    assert "owner of the tables" in found


@pytest.mark.parametrize("table", ["jobs", "orgs"])
def test_a_table_without_its_wall_is_refused(environment, scratch, table):
    owner, runtime = scratch
    with as_admin(owner) as admin:
        admin.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    assert f"not forced on {table}" in refusal(environment | {"FLOOR_DATABASE_URL": runtime})


def test_commits_that_could_be_lost_are_refused(environment, scratch):
    owner, runtime = scratch
    with as_admin(owner) as admin:
        admin.execute("ALTER DATABASE unsafe SET synchronous_commit = off")
    assert "synchronous_commit is off" in refusal(environment | {"FLOOR_DATABASE_URL": runtime})


@pytest.mark.usefixtures("evicting")
def test_a_redis_that_evicts_is_refused(environment):
    assert "maxmemory-policy is allkeys-lru" in refusal(environment)


@pytest.mark.parametrize("key", [None, "", "short"])
def test_a_missing_or_short_secret_is_refused(environment, key):
    without = {name: value for name, value in environment.items() if name != "FLOOR_SECRET_KEY"}
    assert "FLOOR_SECRET_KEY" in refusal(without | ({} if key is None else {"FLOOR_SECRET_KEY": key}))


@pytest.mark.usefixtures("evicting")
def test_all_that_is_wrong_is_said_at_once(environment, servers):
    wrong = {"FLOOR_DATABASE_URL": servers.admin_url, "FLOOR_SECRET_KEY": "short", "FLOOR_PORT": "x"}
    found = refusal(environment | wrong)
    for part in ("FLOOR_SECRET_KEY", "FLOOR_PORT", "superuser", "owner of the tables", "maxmemory-policy"):
        assert part in found
    assert urlsplit(servers.admin_url).password not in found


def test_a_part_that_is_away_is_no_reason_to_refuse(environment):
    away = {"FLOOR_DATABASE_URL": "postgresql://x@127.0.0.1:9/x", "FLOOR_REDIS_URL": "redis://127.0.0.1:9"}
    assert safety.checked(environment | away).redis_url == away["FLOOR_REDIS_URL"]


@pytest.mark.parametrize("door", DOORS)
def test_every_door_stays_shut(door, environment, servers, tmp_path):
    unsafe = environment | {"FLOOR_DATABASE_URL": servers.admin_url, "FLOOR_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, *DOORS[door]], env=unsafe, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert "Floor does not start like this" in done.stderr
    assert "superuser" in done.stderr
    assert "owner of the tables" in done.stderr
