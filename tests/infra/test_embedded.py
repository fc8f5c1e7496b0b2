import fcntl
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
import redis

from infra import database, embedded, processes, provision, settings
from infra.files import Files, digest_file

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """Servers of this file's own, so that what is done to them harms no other test."""
    with embedded.start(tmp_path_factory.mktemp("scratch") / "floor") as servers:
        yield servers


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def test_the_login_of_the_processes_can_do_no_harm(scratch):
    url = scratch.environment["FLOOR_DATABASE_URL"]
    assert database.unsafe_settings(url) == []
    assert scratch.admin_url not in scratch.environment.values()
    assert len(database.unsafe_settings(scratch.admin_url)) == 2  # the check itself sees a superuser and an owner


def test_postgres_keeps_what_it_commits_and_listens_on_loopback_only(scratch):
    with psycopg.connect(scratch.admin_url) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]
            for name in (
                "fsync",
                "synchronous_commit",
                "full_page_writes",
                "listen_addresses",
                "unix_socket_directories",
            )
        }
    assert shown == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
    }


def test_redis_evicts_nothing_writes_a_log_and_wants_a_password(scratch):
    url = scratch.environment["FLOOR_REDIS_URL"]
    with redis.Redis.from_url(url, decode_responses=True) as client:
        wanted = {"maxmemory-policy": "noeviction", "appendonly": "yes", "appendfsync": "everysec", "bind": "127.0.0.1"}
        assert {name: client.config_get(name)[name] for name in wanted} == wanted
    port = int(url.rpartition(":")[2].partition("/")[0])
    with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_no_secret_stands_on_a_command_line_or_in_a_readable_file(scratch):
    kept = scratch.data_dir / "secrets.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    secrets = [value for value in json.loads(kept.read_text()).values() if isinstance(value, str)]
    assert len(secrets) == 6
    for child in scratch.children.values():
        line = Path(f"/proc/{child.pid}/cmdline").read_text()
        assert not [secret for secret in secrets if secret in line]


def test_a_second_start_on_the_same_folder_says_who_is_there(scratch):
    with pytest.raises(embedded.AlreadyRunning, match=rf"{scratch.data_dir} \(process {os.getpid()}\)"):
        embedded.start(scratch.data_dir)


def test_looking_does_not_keep_a_start_from_happening(tmp_path):
    assert not embedded.is_held(tmp_path)
    with embedded.hold(tmp_path):
        assert embedded.is_held(tmp_path)
    assert not embedded.is_held(tmp_path)
    with (tmp_path / "lock").open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        freeing = threading.Timer(0.1, fcntl.flock, (looking, fcntl.LOCK_UN))
        freeing.start()
        embedded.hold(tmp_path).close()
        freeing.join()


def test_a_second_start_finds_its_data_its_secrets_and_its_ports(tmp_path):
    (tmp_path / "file").write_bytes(b"kept")
    sha256 = digest_file(tmp_path / "file")
    with embedded.start(tmp_path / "floor") as first:
        given = dict(first.environment)
        with psycopg.connect(first.admin_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
        with redis.Redis.from_url(given["FLOOR_REDIS_URL"]) as client:
            client.set("kept", "42")
        Files(settings.read(given)).put("orgs/org_a/file", tmp_path / "file", "text/plain", sha256)
    assert processes.free_port(int(given["FLOOR_S3_ENDPOINT"].rpartition(":")[2])) > 0
    with embedded.start(tmp_path / "floor") as second:
        assert second.environment == given
        with psycopg.connect(second.admin_url) as connection:
            assert connection.execute("SELECT value FROM kept").fetchone() == (42,)
        with redis.Redis.from_url(given["FLOOR_REDIS_URL"]) as client:
            assert client.get("kept") == b"42"
        Files(settings.read(second.environment)).fetch("orgs/org_a/file", tmp_path / "back", sha256)


def test_a_taken_port_is_left_to_its_holder(tmp_path):
    with embedded.start(tmp_path / "floor") as first:
        port = int(first.environment["FLOOR_S3_ENDPOINT"].rpartition(":")[2])
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        holder.listen()
        with embedded.start(tmp_path / "floor") as second:
            assert second.environment["FLOOR_S3_ENDPOINT"] != f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("name", ["postgres", "redis", "s3"])
def test_a_killed_server_comes_back_where_it_was(scratch, name):
    before = dict(scratch.environment)
    os.kill(scratch.children[name].pid, signal.SIGKILL)
    until(lambda: scratch.ended() == [name])
    scratch.revive(name)
    assert scratch.ended() == []
    assert scratch.environment == before
    with psycopg.connect(before["FLOOR_DATABASE_URL"]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


HOLDER = """
import sys, time
from pathlib import Path
from infra import embedded
servers = embedded.start(Path(sys.argv[1]))
print(*servers.pids.values(), flush=True)
time.sleep(300)
"""


def test_the_servers_die_with_a_killed_parent_and_the_folder_starts_again(tmp_path):
    parent = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "floor")], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 3
    parent.kill()
    parent.wait()
    parent.stdout.close()
    with embedded.start(tmp_path / "floor") as servers:
        assert not set(servers.pids.values()) & set(pids)
        until(lambda: not any(processes.exists(pid) and processes.works_in(pid, tmp_path) for pid in pids))
        with psycopg.connect(servers.environment["FLOOR_DATABASE_URL"]) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_strangers_process_under_an_old_number_is_left_alone(tmp_path):
    with embedded.start(tmp_path / "floor"):
        pass
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"]) as stranger:
        for name in ("postgres", "redis", "s3"):
            (tmp_path / "floor" / name / "pid").write_text(str(stranger.pid))
        lock = tmp_path / "floor" / "postgres" / "data" / "postmaster.pid"
        lock.write_text(f"{stranger.pid}\n{lock.parent}\n1700000000\n5432\n\n127.0.0.1\n0\nready\n")
        with embedded.start(tmp_path / "floor"):
            assert stranger.poll() is None
        stranger.kill()


def test_an_interrupted_first_start_is_begun_anew(tmp_path):
    half = tmp_path / "floor" / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    with embedded.start(tmp_path / "floor"):
        pass
    assert not half.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_below_a_folder_of_roots_alone_postgres_runs_as_nobody_and_no_folder_is_opened(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with embedded.start(closed / "floor") as servers:
        status = Path(f"/proc/{servers.children['postgres'].pid}/status").read_text()
        uid = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1]
        assert uid != "0"
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert closed.stat().st_uid == 0


def test_an_owners_database_is_migrated_and_used_through_a_login_without_power(scratch, tmp_path):
    with psycopg.connect(scratch.admin_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE other")
    url = scratch.admin_url.rpartition("/")[0] + "/other"
    given = scratch.environment | {"FLOOR_DATABASE_URL": url}
    with embedded.start(tmp_path / "floor", given) as servers:
        assert servers.pids == {"postgres": None, "redis": None, "s3": None}
        used = servers.environment["FLOOR_DATABASE_URL"]
        assert "floor_runtime" in used
        assert database.unsafe_settings(used) == []
        assert servers.environment["FLOOR_REDIS_URL"] == given["FLOOR_REDIS_URL"]


def test_a_lesser_login_needs_a_schema_that_is_there(scratch):
    with psycopg.connect(scratch.admin_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty")
        connection.execute("CREATE ROLE lesser LOGIN PASSWORD 'lesser'")
    place = scratch.admin_url.rpartition("@")[2].rpartition("/")[0]
    with pytest.raises(provision.ProvisionFault, match="FLOOR_DATABASE_ADMIN_URL"):
        provision.prepare(f"postgresql://lesser:lesser@{place}/empty", "", "unused")


def test_a_database_that_is_away_is_told_without_its_password(tmp_path):
    with pytest.raises(provision.ProvisionFault) as told:
        embedded.start(tmp_path / "floor", {"FLOOR_DATABASE_URL": "postgresql://a:hidden@127.0.0.1:9/x"})
    assert "hidden" not in str(told.value)
    with embedded.start(tmp_path / "floor"):  # the failed start has let go of the folder and stopped its servers
        pass
