import pytest

from infra import dispatching, release


def reader(desk, scored, first):
    return desk.submit(scored | {"fundamentals": {"job": first, "artifact": "scores"}})


def released(desk):
    with desk.database.system() as connection:
        return [row["id"] for row in dispatching.released(connection) if row["org_id"] == desk.org_id]


def let_go(desk, job_id):
    with desk.database.org(desk.org_id) as connection:
        return release.release(connection, job_id)


def settle(desk):
    with desk.database.system() as connection:
        for waiting in dispatching.failed_dependencies(connection):
            if waiting["org_id"] == desk.org_id:
                release.settle_badly(connection, waiting)


def test_a_job_is_released_when_the_last_dependency_succeeded(desk, scored):
    first, second = desk.submit(scored)["id"], desk.submit(scored, cache="off")["id"]
    row = desk.submit(scored | {"fundamentals": {"job": first, "artifact": "scores"}}, depends_on=[second])
    desk.move(first, "succeeded")
    desk.artifact(first, "scores")
    assert released(desk) == []
    desk.move(second, "succeeded")
    assert released(desk) == [row["id"]]
    assert let_go(desk, row["id"]) == "queued"
    job = desk.job(row["id"])
    assert [entry["ref"] for entry in job["inputs"].values()] == [f"{first}/scores"]
    assert job["input_digest"]
    assert job["queued_at"] is not None
    assert let_go(desk, row["id"]) is None


def test_a_released_job_that_was_computed_before_is_answered_at_once(desk, scored):
    first = desk.submit(scored)["id"]
    waiting = [reader(desk, scored, first)["id"] for _ in range(2)]
    desk.move(first, "succeeded")
    desk.artifact(first, "scores")
    assert let_go(desk, waiting[0]) == "queued"
    desk.move(waiting[0], "succeeded", result={"n": 1})
    assert let_go(desk, waiting[1]) == "succeeded"
    assert desk.job(waiting[1])["cached_from"] == waiting[0]


def test_an_artifact_that_was_not_made_fails_its_reader_and_says_so(desk, scored):
    first = desk.submit(scored)["id"]
    row = reader(desk, scored, first)
    desk.move(first, "succeeded")
    assert let_go(desk, row["id"]) == "failed"
    (violation,) = desk.job(row["id"])["error"]["errors"]
    assert violation["pointer"] == "/params/fundamentals"
    assert "was not made" in violation["detail"]


@pytest.mark.parametrize(
    ("end", "problem"), [("failed", "/problems/dependency-failed"), ("cancelled", "/problems/job-cancelled")]
)
def test_a_bad_end_goes_down_the_line(desk, scored, end, problem):
    first = desk.submit(scored)["id"]
    second = reader(desk, scored, first)["id"]
    third = desk.submit(scored, depends_on=[second])["id"]
    desk.move(first, end)
    settle(desk)
    settle(desk)
    for job_id, dependency in ((second, first), (third, second)):
        job = desk.job(job_id)
        assert (job["state"], job["error"]["type"]) == (end, problem)
        assert dependency in job["error"]["detail"]
