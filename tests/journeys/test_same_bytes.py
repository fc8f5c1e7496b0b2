"""Run again with the cache off, the main job leaves the same bytes: every table, document, bundle and manifest."""

import pytest

from infra.cli import plan, universe
from infra.client import Client

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def client(floor):
    with Client(floor.url, floor.key) as client:
        yield client


@pytest.fixture(scope="module")
def prices(client, tmp_path_factory):
    """The invented market's prices, ingested."""
    files = universe.write(tmp_path_factory.mktemp("universe"))
    uploads = {name: client.upload(getattr(files, name))["id"] for name in ("prices", "actions")}
    steps = plan.reading("bytes", uploads["prices"], uploads["actions"], {})
    done = run(client, {name: step | {"cache": "off"} for name, step in steps.items()})
    return {"job": done["prices"]["id"], "artifact": "data"}


def run(client, steps):
    pipeline = client.post("/v1/pipelines", {"steps": steps})
    return {name: client.wait(job["id"], within_s=120) for name, job in pipeline["steps"].items()}


def test_every_job_asked_again_leaves_the_same_bytes(client, prices):
    steps = plan.research(prices, universe.STOCKS, title="Twice")
    first = run(client, {name: step | {"cache": "off"} for name, step in steps.items()})
    again = {name: client.submit(job["kind"], job["params"], cache="off") for name, job in first.items()}
    for name, job in first.items():
        other = client.wait(again[name]["id"], within_s=120)
        assert job["state"] == other["state"] == "succeeded", job["error"] or other["error"]
        assert job["cached_from"] is other["cached_from"] is None
        digests = [{one["name"]: one["sha256"] for one in client.artifacts(one_of["id"])} for one_of in (job, other)]
        assert digests[0] == digests[1], name
        assert "manifest.json" in digests[0]
        assert job["result"] == other["result"]


def test_asked_again_with_the_cache_in_use_nothing_is_computed(client, prices):
    body = plan.research(prices, universe.STOCKS, title="Cached")["signals"]
    first = client.wait(client.submit(body["kind"], body["params"], cache="refresh")["id"])
    again = client.submit(body["kind"], body["params"])
    assert again["state"] == "succeeded"
    assert again["cached_from"] == first["id"]
    assert again["result"] == first["result"]


def test_a_reproduction_says_artifact_by_artifact_that_the_bytes_are_the_same(client, prices):
    versions = client.get(f"/v1/jobs/{prices['job']}")["result"]["dataset"]
    again = client.wait(client.post(f"/v1/jobs/{prices['job']}/reproduce", {})["id"], within_s=120)
    report = again["reproduction"]
    assert (again["state"], again["cached_from"], report["of"]) == ("succeeded", None, prices["job"])
    assert (report["same"], report["same_code"]) == (True, True)
    assert {"data", "manifest.json"} <= {one["name"] for one in report["artifacts"] if one["same"]}
    assert again["result"]["dataset"] == versions  # and no second version was made
    dataset = versions["id"] if isinstance(versions, dict) else versions.partition("@")[0]
    assert client.get(f"/v1/datasets/{dataset}")["version"] == 1
