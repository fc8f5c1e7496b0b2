"""The everyday commands against a whole running Floor, each as a person or a script would call it."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from infra.cli.main import floor as command
from infra.cli.progress import JobBars
from tasks import registry

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]

CSV = "date,symbol,close\n2024-01-02,AAA,10\n2024-01-03,AAA,11\n2024-01-02,BBB,20\n2024-01-03,BBB,-1\n"


@pytest.fixture
def run(floor):
    def call(*arguments, code=0, **options):
        named = ["--url", floor.url, "--key", floor.key]
        ran = CliRunner().invoke(command, [*map(str, arguments), *named], **options)
        assert ran.exit_code == code, ran.output
        return ran

    return call


@pytest.fixture(scope="module")
def prices(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "prices.csv"
    path.write_text(CSV)
    return path


@pytest.fixture
def params(run, prices):
    upload = json.loads(run("upload", prices, "--json").stdout)
    assert upload["state"] == "completed"
    return json.dumps({"upload": upload["id"], "dataset": "cli", "calendar": None})


def test_a_job_from_upload_to_download(run, params, tmp_path):
    job = json.loads(
        run("jobs", "submit", "ingest", "--params", "-", "--tag", "desk=cli", "--wait", "--json", input=params).stdout
    )
    assert job["state"] == "succeeded"
    assert job["result"]["rows_quarantined"] == 1
    assert job["tags"] == {"desk": "cli"}
    listed = json.loads(run("jobs", "list", "--kind", "ingest", "--json").stdout)
    assert job["id"] in [one["id"] for one in listed["data"]]
    assert json.loads(run("jobs", "show", job["id"], "--json").stdout)["state"] == "succeeded"
    assert f"{job['id']}  succeeded" in run("jobs", "wait", job["id"]).stdout
    assert "quarantine.csv" in run("jobs", "artifacts", job["id"]).stdout
    paths = json.loads(run("jobs", "download", job["id"], "--to", tmp_path, "--json").stdout)
    assert {Path(path).name for path in paths} >= {"data.parquet", "quarantine.csv", "manifest.json"}
    assert "-1" in (tmp_path / "quarantine.csv").read_text()
    run("jobs", "logs", job["id"])
    assert json.loads(run("jobs", "cancel", job["id"], "--json").stdout)["state"] == "succeeded"


def test_a_refusal_names_every_fault_and_ends_with_one(run):
    ran = run("jobs", "submit", "backtest", "--params", "-", input='{"nonsense": 1}', code=1)
    assert "/params/nonsense" in ran.stderr
    assert "/params/prices" in ran.stderr
    ran = run("jobs", "submit", "backtest", "--params", "-", "--json", input='{"nonsense": 1}', code=1)
    assert json.loads(ran.stdout)["error"]["type"] == "/problems/validation-failed"


def test_a_job_that_failed_ends_the_command_with_one_and_its_reason(run, tmp_path):
    (tmp_path / "bad.csv").write_text("this,is\nnot,prices\n")
    upload = json.loads(run("upload", tmp_path / "bad.csv", "--json").stdout)
    params = json.dumps({"upload": upload["id"], "dataset": "bad"})
    ran = run("jobs", "submit", "ingest", "--params", "-", "--wait", input=params, code=1)
    assert "failed" in ran.stdout
    assert ran.stderr.strip()


NOWHERE = ("--url", "http://127.0.0.1:9", "--key", "k")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("jobs", "submit", "nonsense", "--params", "-", *NOWHERE), "'nonsense' is not a kind"),
        (("jobs", "submit", "ingest", "--params", "-", *NOWHERE), "is not JSON"),
        (("kinds", "nonsense"), "'nonsense' is not a kind"),
        (("upload", "/nowhere", *NOWHERE), "does not exist"),
    ],
)
def test_misuse_is_told_with_code_2(arguments, told):
    ran = CliRunner().invoke(command, arguments, input="not json")
    assert ran.exit_code == 2
    assert told in ran.output


def test_keys_are_made_listed_and_revoked(run):
    made = json.loads(run("keys", "create", "robot", "--role", "viewer", "--json").stdout)
    assert made["key"].startswith("floor_")
    assert made["id"] in run("keys", "list").stdout
    run("keys", "revoke", made["id"])
    assert "revoked" in next(line for line in run("keys", "list").stdout.splitlines() if made["id"] in line)


@pytest.mark.parametrize("kind", registry.kinds())
def test_every_kind_is_shown_with_an_example(kind):
    page = CliRunner().invoke(command, ["kinds", kind]).stdout
    assert registry.kinds()[kind].summary in page
    full = json.loads(CliRunner().invoke(command, ["kinds", kind, "--json"]).stdout)
    assert full["example"] == registry.kinds()[kind].example
    assert full["params"]["type"] == "object"


def test_the_doctor_finds_this_machine_well(floor):
    ran = CliRunner().invoke(command, ["doctor", "--json", "--data-dir", str(floor.floor.data_dir)])
    findings = {one["name"]: one for one in json.loads(ran.stdout)}
    assert findings["PostgreSQL"]["seen"].startswith("postgres (PostgreSQL)")
    assert findings["Floor"]["well"]
    assert findings["database"]["well"]
    assert findings["clock"]["well"]


def test_the_doctor_says_what_to_do(tmp_path, monkeypatch):
    from infra.cli import doctor

    monkeypatch.setattr(doctor, "ROOM_GB", 1e9)
    ran = CliRunner().invoke(command, ["doctor", "--data-dir", str(tmp_path)])
    assert ran.exit_code == 1
    assert "BAD  disk" in ran.output
    assert "Make room" in ran.output


def test_who_stops_waiting_is_told_how_to_come_back(run, params, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as at_the_first_look:
        at_the_first_look.setattr(JobBars, "show", interrupted)
        left = run("jobs", "submit", "ingest", "--params", "-", "--wait", code=130, input=params)
    job_id = re.search(r"`floor jobs wait (job_[0-9a-f-]+)`", left.stderr)[1]
    assert f"`floor jobs cancel {job_id}`" in left.stderr
    assert "succeeded" in run("jobs", "wait", job_id).stdout


def test_a_finished_ingest_names_its_dataset_and_what_to_know(run, params):
    ran = run("jobs", "submit", "ingest", "--params", "-", "--wait", input=params)
    assert re.search(r"^dataset ds_[0-9a-f-]+@\d+$", ran.stdout, re.MULTILINE)
    assert "1 row could not be used" in ran.stderr


def test_a_tag_without_a_value_is_refused(run, params):
    ran = run("jobs", "submit", "ingest", "--params", "-", "--tag", "mine", code=2, input=params)
    assert "'mine' is not NAME=VALUE." in ran.stderr
