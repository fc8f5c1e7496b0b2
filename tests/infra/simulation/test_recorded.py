import json

import pytest

from infra.simulation.recorded import BadRecording, parse
from infra.simulation.workload import Arrival


def test_a_csv_with_everything():
    text = "at_s,run_s,org,kind,estimate_s\n5,2.5,a,x,3\n1,1,b,y,\n"
    found = parse(text, "jobs.csv")
    assert found.arrivals == (Arrival(0.0, 1.0, "b", None), Arrival(4.0, 2.5, "a", 3.0))
    assert (found.horizon_s, found.work_s) == (4.0, 3.5)


def test_a_page_of_jobs_as_the_api_lists_them():
    jobs = [
        {"kind": "a", "state": "succeeded", "queued_at": "2026-03-01T10:00:10Z", "created_at": "x", "run_s": 4.0},
        {"kind": "a", "state": "running", "queued_at": "2026-03-01T10:00:00Z", "run_s": None},
        {"kind": "a", "state": "failed", "queued_at": None, "created_at": "2026-03-01T10:00:00Z", "run_s": 1.0},
    ]
    found = parse(json.dumps({"data": jobs, "next_cursor": None}), "jobs.json")
    assert [(arrival.at_s, arrival.run_s) for arrival in found.arrivals] == [(0.0, 1.0), (10.0, 4.0)]


def test_what_was_expected_is_what_three_in_four_runs_over_by_then_stayed_under():
    rows = [{"at_s": at_s, "run_s": run_s, "kind": "a"} for at_s, run_s in ((0, 4), (1, 8), (5, 2), (20, 9))]
    rows.append({"at_s": 21, "run_s": 1, "kind": "b"})
    assert [arrival.estimate_s for arrival in parse(json.dumps(rows), "x").arrivals] == [None, None, 4.0, 6.0, None]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no job"),
        ("[]", "no job"),
        ("[1]", "list of objects"),
        ("[", "not JSON"),
        ("at_s,run_s\n0,1\n1,x\n", "job 2: `run_s` is 'x'"),
        ("at_s,run_s\n0,-1\n", "`run_s` is '-1'"),
        ("at_s,run_s\nnan,1\n", "`at_s` is 'nan'"),
        ("run_s\n1\n", "neither `at_s`"),
        ("at_s\n1\n", "`run_s` is None"),
    ],
)
def test_a_bad_recording_is_refused_with_its_place(text, said):
    with pytest.raises(BadRecording, match=r"bad\.csv") as refused:
        parse(text, "bad.csv")
    assert said in str(refused.value)
