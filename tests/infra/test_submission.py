import datetime as dt

import pytest

from infra import submission
from infra.database import listen
from infra.ids import new_id
from infra.submission import JobRequest
from tasks.errors import Conflict, DatasetNotReady, Forbidden, Invalid, NotFound, QuotaExceeded


def pointers(caught):
    return [violation.pointer for violation in caught.value.violations]


def test_a_submitted_job_is_queued_with_its_parameters_whole(desk, scored):
    row = desk.submit(scored, priority="high", tags={"desk": "eq"}, deadline_s=60)
    assert (row["state"], row["queue"], row["params"]["frequency"]) == ("queued", "compute", "D")
    assert (row["created_by"], row["request_id"], row["tags"]) == ("key_test", "req_1", {"desk": "eq"})
    assert row["deadline_at"] - row["created_at"] == dt.timedelta(seconds=60)
    assert row["input_digest"]
    assert [name for name, _ in desk.events(row["id"])] == ["queued"]


def test_the_dispatcher_is_woken_when_the_job_is_committed_and_not_before(desk, scored, settings):
    with listen(settings.database_url, "floor_dispatch") as connection:
        with desk.database.org(desk.org_id) as inside:
            request = JobRequest("factors", scored)
            submission.submit(inside, desk.caller, request, request_id=None)
            assert not list(connection.notifies(timeout=0.1))
        assert "compute" in {notice.payload for notice in connection.notifies(timeout=5, stop_after=1)}


def test_an_unknown_kind_is_named_with_the_nearest(desk):
    with pytest.raises(Invalid) as caught:
        desk.submit({}, kind="factor")
    assert pointers(caught) == ["/kind"]
    assert "Did you mean 'factors'?" in caught.value.violations[0].detail


def test_a_role_without_the_permission_is_refused_before_anything_is_looked_at(desk):
    desk.role = "viewer"
    with pytest.raises(Forbidden, match=r"research\.run"):
        desk.submit({"nonsense": True})


def test_references_that_lead_nowhere_are_refused_all_at_once(desk, scored):
    missing = new_id("job")
    params = scored | {"prices": new_id("ds"), "fundamentals": {"job": missing, "artifact": "scores"}}
    with pytest.raises(Invalid) as caught:
        desk.submit(params)
    assert pointers(caught) == ["/params/prices", "/params/fundamentals"]
    with pytest.raises(Invalid) as caught:
        desk.submit(scored, depends_on=[missing])
    assert pointers(caught) == ["/depends_on/0"]


def test_another_organisations_job_is_as_good_as_none(desk, other_desk, scored):
    theirs = other_desk.submit(scored)["id"]
    with pytest.raises(Invalid) as caught:
        desk.submit(scored | {"fundamentals": {"job": theirs, "artifact": "scores"}})
    assert caught.value.violations[0].detail == f"there is no job {theirs}."


def test_an_artifact_that_the_kind_never_leaves_is_refused(desk, scored):
    job_id = desk.submit(scored)["id"]
    with pytest.raises(Invalid) as caught:
        desk.submit(scored | {"fundamentals": {"job": job_id, "artifact": "weights"}})
    assert "leaves no table 'weights'; it leaves: scores, ic_series" in caught.value.violations[0].detail


def test_a_dataset_is_pinned_once_and_recorded(desk, scored, dataset):
    row = desk.submit(scored | {"prices": dataset})
    (pinned,) = row["inputs"].values()
    assert (pinned["ref"], pinned["type"]) == (f"{dataset}@2", "prices")
    (pinned,) = desk.submit(scored | {"prices": f"{dataset}@1"})["inputs"].values()
    assert pinned["ref"] == f"{dataset}@1"
    with pytest.raises(Invalid) as caught:
        desk.submit(scored | {"prices": f"{dataset}@3"})
    assert "the latest is @2" in caught.value.violations[0].detail


def test_a_dataset_without_a_version_is_not_ready(desk, scored, empty_dataset):
    with pytest.raises(DatasetNotReady, match="no version yet"):
        desk.submit(scored | {"prices": empty_dataset})


def test_a_reference_to_an_unfinished_job_becomes_a_dependency(desk, scored):
    first = desk.submit(scored)["id"]
    row = desk.submit(scored | {"fundamentals": {"job": first, "artifact": "scores"}})
    assert (row["state"], row["depends_on"], row["input_digest"]) == ("waiting", [first], None)
    assert desk.job(row["id"])["depends_on"] == [first]


def test_a_reference_to_a_finished_job_is_resolved_at_once(desk, scored):
    first = desk.submit(scored)["id"]
    desk.move(first, "succeeded")
    desk.artifact(first, "scores")
    row = desk.submit(scored | {"fundamentals": {"job": first, "artifact": "scores"}})
    assert row["state"] == "queued"
    assert [entry["ref"] for entry in row["inputs"].values()] == [f"{first}/scores"]


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_job_that_ended_badly_can_not_be_depended_on(desk, scored, state):
    first = desk.submit(scored)["id"]
    desk.move(first, state)
    with pytest.raises(Invalid) as caught:
        desk.submit(scored, depends_on=[first])
    assert "retry it" in caught.value.violations[0].detail


def test_the_same_question_is_answered_from_the_earlier_result(desk, scored):
    first = desk.submit(scored)
    desk.move(first["id"], "succeeded", result={"n": 1})
    desk.artifact(first["id"], "scores")
    again = desk.submit(scored)
    assert (again["state"], again["cached_from"], again["result"]) == ("succeeded", first["id"], {"n": 1})
    with desk.database.org(desk.org_id) as connection:
        copied = connection.execute("SELECT name FROM artifacts WHERE job_id = %s", [again["id"]]).fetchall()
    assert copied == [{"name": "scores"}]
    assert desk.submit(scored, cache="refresh")["state"] == "queued"
    assert desk.submit(scored, cache="off")["state"] == "queued"
    assert desk.submit(scored | {"frequency": "W"})["state"] == "queued"


def test_nobody_is_answered_from_another_organisations_result(desk, other_desk, scored):
    desk.move(desk.submit(scored)["id"], "succeeded")
    assert other_desk.submit(scored)["state"] == "queued"


def test_a_failed_job_is_retried_as_a_new_one(desk, scored):
    old = desk.submit(scored, tags={"desk": "eq"})["id"]
    with desk.database.org(desk.org_id) as connection, pytest.raises(Conflict):
        submission.retry(connection, desk.caller, old, request_id=None)
    desk.move(old, "failed")
    with desk.database.org(desk.org_id) as connection:
        new = submission.retry(connection, desk.caller, old, request_id=None)
        with pytest.raises(NotFound):
            submission.retry(connection, desk.caller, new_id("job"), request_id=None)
    assert (new["retry_of"], new["state"], new["tags"]) == (old, "queued", {"desk": "eq"})


def test_an_organisation_may_have_so_many_jobs_waiting_and_no_more(desk, scored):
    with desk.database.system() as connection:
        connection.execute("UPDATE orgs SET settings = '{\"max_queued\": 2}' WHERE id = %s", [desk.org_id])
    desk.submit(scored)
    desk.submit(scored)
    with pytest.raises(QuotaExceeded):
        desk.submit(scored)


def test_the_estimate_is_what_three_in_four_runs_stayed_under(desk, scored):
    assert desk.submit(scored)["est_seconds"] is None
    for seconds in (1.0, 2.0, 3.0, 4.0, 5.0):
        desk.move(desk.submit(scored, cache="off")["id"], "succeeded", run_s=seconds)
    assert desk.submit(scored, cache="off")["est_seconds"] == 4.0
