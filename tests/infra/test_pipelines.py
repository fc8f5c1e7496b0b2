import pytest

from infra import pipelines
from infra.ids import new_id
from infra.pipelines import state_of
from infra.submission import JobRequest
from tasks.errors import Forbidden, Invalid, NotFound


@pytest.fixture
def submit(desk):
    def run(steps, **given):
        with desk.database.org(desk.org_id) as connection:
            return pipelines.submit_pipeline(connection, desk.caller, steps, request_id="req_1", **given)

    return run


def factors(scored, **more):
    return JobRequest("factors", scored | more, tags={"step": "own"})


def after(step):
    return {"fundamentals": {"step": step, "artifact": "scores"}}


def test_references_between_steps_become_dependencies(desk, submit, scored):
    steps = {"last": factors(scored, **after("first")), "first": factors(scored)}
    found = submit(steps, tags={"desk": "eq", "step": "all"})
    first, last = found["steps"]["first"], found["steps"]["last"]
    assert (first["state"], last["state"], found["state"]) == ("queued", "waiting", "queued")
    assert last["depends_on"] == [first["id"]]
    assert last["params"]["fundamentals"] == {"job": first["id"], "artifact": "scores"}
    assert (last["pipeline_id"], last["step"], last["tags"]) == (found["id"], "last", {"desk": "eq", "step": "own"})


def test_what_is_wrong_anywhere_is_said_at_once_and_nothing_is_made(desk, submit, scored):
    steps = {
        "a": factors(scored, frequency="Y"),
        "b": factors(scored, **after("nowhere")),
        "c": JobRequest("nonsense", {}),
        "Bad/name": factors(scored),
    }
    with pytest.raises(Invalid) as caught:
        submit(steps)
    assert [violation.pointer for violation in caught.value.violations] == [
        "/steps/a/params/frequency",
        "/steps/b/params/fundamentals",
        "/steps/c/kind",
        "/steps/Bad~1name",
    ]
    with desk.database.org(desk.org_id) as connection:
        assert connection.execute("SELECT count(*) AS n FROM pipelines").fetchone()["n"] == 0


def test_a_circle_is_refused_with_its_steps(submit, scored):
    with pytest.raises(Invalid) as caught:
        submit({"a": factors(scored, **after("b")), "b": factors(scored, **after("a")), "c": factors(scored)})
    assert "a, b wait for one another" in caught.value.violations[0].detail


def test_a_mistake_found_while_submitting_points_into_its_step(submit, scored):
    with pytest.raises(Invalid) as caught:
        submit({"a": factors(scored), "b": factors(scored, prices=new_id("ds"))})
    assert [violation.pointer for violation in caught.value.violations] == ["/steps/b/params/prices"]


def test_the_role_is_asked_for_every_step(desk, submit, scored):
    desk.role = "viewer"
    with pytest.raises(Forbidden):
        submit({"a": factors(scored)})


def test_cancelling_a_pipeline_cancels_what_is_left(desk, submit, scored):
    made = submit({"a": factors(scored), "b": factors(scored, **after("a"))})
    desk.move(made["steps"]["a"]["id"], "succeeded")
    with desk.database.org(desk.org_id) as connection:
        for _ in range(2):
            found = pipelines.cancel_pipeline(connection, made["id"])
        assert {name: job["state"] for name, job in found["steps"].items()} == {"a": "succeeded", "b": "cancelled"}
        assert (found["state"], found["cancelled_at"] is not None) == ("cancelled", True)
        with pytest.raises(NotFound):
            pipelines.get_pipeline(connection, new_id("pipe"))


@pytest.mark.parametrize(
    ("states", "state"),
    [
        (["queued", "waiting"], "queued"),
        (["succeeded", "waiting"], "running"),
        (["failed", "running"], "running"),
        (["succeeded", "succeeded"], "succeeded"),
        (["cancelled", "failed", "succeeded"], "failed"),
        (["cancelled", "succeeded"], "cancelled"),
    ],
)
def test_the_state_of_a_pipeline(states, state):
    assert state_of(states) == state
