"""Real jobs while PostgreSQL, Redis and S3 are killed and started again under them."""

import json

import pytest

from infra.processes import kill_group
from infra.servers import postgres, redis, s3

pytestmark = pytest.mark.usefixtures("running")


@pytest.fixture(scope="module")
def running(toyland):
    with toyland.dispatcher(FLOOR_WORKER_IDLE_S="60"):
        yield


@pytest.fixture
def restart(toy_servers):
    """Kill one of the servers and start it again on its port, with what it had written."""

    def again(name):
        home = toy_servers.data_dir
        kept = json.loads((home / "secrets.json").read_text())
        port, log = kept[f"{name}_port"], home / "logs" / f"{name}.log"
        kill_group(toy_servers.children[name].pid)
        toy_servers.children[name].process.wait()
        yield
        match name:
            case "postgres":
                child = postgres.start(home / name, port, kept["postgres_password"], log)
            case "redis":
                child = redis.start(home / name, port, kept["redis_password"], log)
            case _:
                keys = (kept["s3_access_key"], kept["s3_secret_key"])
                child = s3.start(home / name, port, keys, toy_servers.environment["FLOOR_S3_BUCKET"], log)
        toy_servers.children[name] = child
        yield

    return again


@pytest.mark.parametrize("name", ["redis", "postgres", "s3"])
def test_a_server_killed_and_started_again_loses_no_job_and_doubles_none(toys, toy_org, tmp_path, restart, name):
    witness = tmp_path / "w"
    running = toys.submit(toy_org, "sleep", seconds=2, witness=str(witness))
    behind = [toys.submit(toy_org, nonce=n) for n in range(4)]
    toys.until(lambda: toys.starts(witness))
    away = restart(name)
    next(away)
    next(away)
    for job_id in [running, *behind]:
        job = toys.wait(toy_org, job_id, within_s=40)
        assert job["state"] == "succeeded", job["error"]
        assert toys.events(toy_org, job_id).count("succeeded") == 1
