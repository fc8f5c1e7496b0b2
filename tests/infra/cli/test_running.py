import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psycopg
import pytest

from infra import local, processes

ROOT = Path(__file__).parents[3]


def floor(*arguments, **extra):
    return [sys.executable, "-m", "infra.cli", *map(str, arguments)]


def run(*arguments, check=True, **environment):
    ran = subprocess.run(
        floor(*arguments), capture_output=True, text=True, cwd=ROOT, env=os.environ | environment, check=False
    )
    assert not check or ran.returncode == 0, ran.stderr
    return ran


def until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def all_pids(pids):
    return [pid for value in pids.values() for pid in (value if isinstance(value, list) else [value]) if pid]


def gone(pids, folder):
    return not any(processes.works_in(pid, folder) for pid in pids)


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    """A Floor that `floor up --detach --json` started: its announcement, and its folder."""
    folder = tmp_path_factory.mktemp("up") / "floor"
    ready = json.loads(run("up", "--detach", "--json", "--data-dir", folder).stdout)
    yield ready
    run("down", "--data-dir", folder)


def test_up_answers_with_one_line_when_everything_answers(up):
    assert set(up) == {"url", "api_key", "data_dir"}
    assert httpx.get(f"{up['url']}/readyz").status_code == 200
    answer = httpx.get(f"{up['url']}/v1/jobs", headers={"Authorization": f"Bearer {up['api_key']}"})
    assert answer.json() == {"data": [], "next_cursor": None}


def test_status_lists_every_process_and_queue(up):
    found = json.loads(run("status", "--json", "--data-dir", up["data_dir"]).stdout)
    assert found["url"] == up["url"]
    assert set(found["pids"]) == {"api", "dispatcher", "workers", "redis", "postgres", "s3"}
    assert found["pids"]["workers"] == []
    assert len(found["pids"]["api"]) >= 2
    assert all(processes.works_in(pid, Path(up["data_dir"])) for pid in all_pids(found["pids"]))
    assert set(found["queues"]) == {"interactive", "compute", "bulk", "io", "trading"}
    assert found["queues"]["io"] == {"queued": 0, "running": 0, "workers": 0}
    assert "ready" in run("status", "--data-dir", up["data_dir"]).stdout


def test_a_second_up_on_the_folder_fails_and_says_what_to_do(up):
    second = run("up", "--data-dir", up["data_dir"], check=False)
    assert second.returncode == 1
    assert "already runs" in second.stderr
    assert "floor down" in second.stderr
    detached = run("up", "--detach", "--json", "--data-dir", up["data_dir"], check=False)
    assert detached.returncode == 1
    assert "already runs" in json.loads(detached.stdout)["error"]["detail"]


def test_an_organisation_is_made_with_a_key_that_works(up):
    made = json.loads(run("orgs", "create", "acme", "--json", "--data-dir", up["data_dir"]).stdout)
    assert made["name"] == "acme"
    headers = {"Authorization": f"Bearer {made['api_key']}"}
    assert httpx.get(f"{up['url']}/v1/jobs", headers=headers).status_code == 200


@pytest.mark.parametrize("part", ["api", "dispatcher", "redis", "postgres", "s3"])
def test_a_killed_part_is_started_again_and_floor_answers_as_before(up, part):
    folder = Path(up["data_dir"])
    pids = local.describe(local.read_state(folder))["pids"]
    before = pids[part] if isinstance(pids[part], list) else [pids[part]]
    os.kill(before[0], signal.SIGKILL)
    until(lambda: local.read_state(folder)["pids"][part] != before[0])
    until(lambda: not any(processes.exists(pid) for pid in before))  # its children answer for a moment longer
    until(lambda: local.is_ready(up["url"]))
    headers = {"Authorization": f"Bearer {up['api_key']}"}
    assert httpx.get(f"{up['url']}/v1/jobs", headers=headers).status_code == 200


def test_the_logs_can_be_read_and_hold_no_secret(up):
    shown = run("logs", "--json", "-n", "500", "--data-dir", up["data_dir"]).stdout
    parts = {json.loads(line)["part"] for line in shown.splitlines()}
    assert {"postgres", "redis", "s3"} <= parts
    kept = json.loads((Path(up["data_dir"]) / "secrets.json").read_text())
    assert not [name for name, value in kept.items() if isinstance(value, str) and value in shown]
    assert "There is no log" in run("logs", "nothing", "--data-dir", up["data_dir"], check=False).stderr


def test_down_stops_everything_and_a_start_right_after_finds_the_same_floor(tmp_path):
    folder = tmp_path / "floor"
    first = json.loads(run("up", "--detach", "--json", "--data-dir", folder).stdout)
    pids = all_pids(local.describe(local.read_state(folder))["pids"])
    assert json.loads(run("down", "--json", "--data-dir", folder).stdout) == {"stopped": True}
    assert gone(pids, folder)
    assert json.loads(run("down", "--json", "--data-dir", folder).stdout) == {"stopped": False}
    assert run("status", "--data-dir", folder, check=False).returncode == 3
    assert json.loads(run("up", "--detach", "--json", "--data-dir", folder).stdout) == first
    run("down", "--data-dir", folder)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
def test_nothing_is_left_behind_however_up_ends(tmp_path, name):
    folder = tmp_path / "floor"
    with subprocess.Popen(
        floor("up", "--json", "--data-dir", folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as process:
        ready = json.loads(process.stdout.readline())
        pids = all_pids(local.describe(local.read_state(folder))["pids"])
        process.send_signal(signal.Signals[name])
        rest, _ = process.communicate(timeout=60)
    assert rest == b""
    assert process.returncode == (-9 if name == "SIGKILL" else 0)
    until(lambda: gone(pids, folder))
    assert not local.is_ready(ready["url"])


def test_what_cannot_be_used_in_the_environment_is_told_at_once(tmp_path):
    ran = run("up", "--data-dir", tmp_path / "floor", check=False, FLOOR_LEASE_S="soon", FLOOR_API_WORKERS="0")
    assert ran.returncode == 1
    assert "FLOOR_LEASE_S" in ran.stderr
    assert "FLOOR_API_WORKERS" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_private_webhooks_are_said_loudly(tmp_path):
    folder = tmp_path / "floor"
    with subprocess.Popen(
        floor("up", "--data-dir", folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"FLOOR_WEBHOOKS_ALLOW_PRIVATE": "1"},
    ) as process:
        loud = next(line for line in process.stderr if line.strip())
        process.terminate()
        process.communicate(timeout=60)
    assert "WARNING: FLOOR_WEBHOOKS_ALLOW_PRIVATE=1" in loud


def test_a_database_of_ones_own_is_migrated_and_used(servers, tmp_path):
    with psycopg.connect(servers.admin_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE own")
        connection.execute("CREATE ROLE own_owner LOGIN CREATEROLE PASSWORD 'own'")
        connection.execute("ALTER DATABASE own OWNER TO own_owner")
        connection.execute("GRANT floor_app, floor_system TO own_owner WITH ADMIN OPTION")
    place = servers.admin_url.rpartition("@")[2].rpartition("/")[0]
    password = servers.environment["FLOOR_DATABASE_URL"].partition("floor_runtime:")[2].partition("@")[0]
    given = {
        "FLOOR_DATABASE_ADMIN_URL": f"postgresql://own_owner:own@{place}/own",
        "FLOOR_DATABASE_URL": f"postgresql://floor_runtime:{password}@{place}/own",
        "FLOOR_REDIS_URL": servers.environment["FLOOR_REDIS_URL"].rpartition("/")[0] + "/7",
    }
    ready = json.loads(run("up", "--detach", "--json", "--data-dir", tmp_path / "floor", **given).stdout)
    try:
        headers = {"Authorization": f"Bearer {ready['api_key']}"}
        assert httpx.get(f"{ready['url']}/v1/jobs", headers=headers).status_code == 200
        pids = local.describe(local.read_state(tmp_path / "floor"))["pids"]
        assert pids["postgres"] is None
        assert pids["redis"] is None
        assert pids["s3"] is not None
    finally:
        run("down", "--data-dir", tmp_path / "floor")


def test_without_a_floor_a_command_says_how_to_get_one(tmp_path):
    ran = run("jobs", "list", "--data-dir", tmp_path / "none", check=False)
    assert ran.returncode == 1
    assert "floor up" in ran.stderr
    shutil.rmtree(tmp_path, ignore_errors=True)
