import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from infra.cli.main import floor as command
from infra.simulation.policies import POLICIES

DOCS = Path(__file__).parents[3] / "docs"
CHART = ("--policy", "ours", "--policy", "depth", "--policy", "each", "--policy", "latency")


def run(*arguments, code=0):
    ran = CliRunner().invoke(command, ["simulate", *map(str, arguments)])
    assert ran.exit_code == code, ran.output
    return ran.output


def test_the_table_names_the_policies_and_the_best():
    text = run("--load", "step", "--seeds", 1)
    assert all(policy.title in text for policy in POLICIES)
    assert "The cheapest is" in text


def test_json_has_every_figure():
    found = json.loads(run("--load", "reference", "--seeds", 1, "--policy", "ours", "--policy", "depth", "--json"))
    assert (found["load"], found["runs"], found["best"]) == ("reference", 1, "ours")
    ours, depth = found["policies"]
    assert ours["p95_s"] <= found["target_s"] < depth["p95_s"]
    assert ours.keys() >= {"p50_s", "p99_s", "within", "worker_hours", "utilisation", "changes", "unstarted"}


def test_a_policy_that_leaves_jobs_unstarted_is_never_the_best(tmp_path):
    path = tmp_path / "jobs.csv"
    path.write_text("at_s,run_s\n0,90000\n0,90000\n0,1\n")
    text = run("--recorded", path, "--max", 1, "--policy", "ours")
    assert "Not every job was started by: ours." in text
    assert "None is good enough" in text


def test_a_recording_and_the_rule_given(tmp_path):
    path = tmp_path / "jobs.csv"
    path.write_text("at_s,run_s\n0,10\n0,10\n")
    rule = ("--cold-start", 2, "--poll", 1, "--slots", 2, "--target", 30, "--idle", 0, "--policy", "ours")
    found = json.loads(run("--recorded", path, *rule, "--json"))
    assert (found["load"], found["jobs"]) == ("jobs.csv", 2)
    assert found["policies"][0]["p95_s"] == 2.0
    assert found["policies"][0]["worker_hours"] == pytest.approx(12 / 3600, abs=1e-4)


def test_what_cannot_be_used_is_said(tmp_path):
    assert "--recorded" in run("--recorded", tmp_path / "none.csv", code=2)
    (tmp_path / "bad.csv").write_text("at_s,run_s\n0,long\n")
    assert "`run_s` is 'long'" in run("--recorded", tmp_path / "bad.csv", code=2)
    assert "--min 3" in run("--min", 3, "--max", 2, code=2)


def test_the_chart_has_a_panel_a_policy(tmp_path):
    path = tmp_path / "chart.svg"
    run("--load", "step", "--seeds", 1, "--chart", path)
    drawn = ET.parse(path).getroot()
    paths = drawn.findall("{http://www.w3.org/2000/svg}path")
    assert len(paths) == 3 * len(POLICIES)
    texts = {text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert texts >= {policy.title for policy in POLICIES}


@pytest.mark.journey
def test_the_jobs_of_a_running_floor(floor, tmp_path):
    reach = ["--url", floor.url, "--key", floor.key]
    path = tmp_path / "prices.csv"
    path.write_text("date,symbol,close\n2024-01-02,AAA,10\n2024-01-03,AAA,11\n")
    sent = CliRunner().invoke(command, ["upload", str(path), "--json", *reach])
    params = json.dumps({"upload": json.loads(sent.output)["id"], "dataset": "recorded", "calendar": None})
    submit = ["jobs", "submit", "ingest", "--params", "-", "--wait", "--json", *reach]
    assert json.loads(CliRunner().invoke(command, submit, input=params).output)["state"] == "succeeded"
    found = json.loads(run("--recorded", "live", "--policy", "ours", "--json", *reach))
    assert found["jobs"] >= 1
    assert found["policies"][0]["unstarted"] == 0


def test_the_pages_table_and_chart_are_what_the_command_gives(tmp_path):
    page = (DOCS / "autoscaling.md").read_text(encoding="utf-8")
    assert run("--markdown") in page, "put the output of `floor simulate --markdown` into the page"
    run(*CHART, "--chart", tmp_path / "chart.svg")
    drawn = (tmp_path / "chart.svg").read_text(encoding="utf-8")
    assert drawn == (DOCS / "autoscaling.svg").read_text(encoding="utf-8"), f"floor simulate {' '.join(CHART)} --chart"
