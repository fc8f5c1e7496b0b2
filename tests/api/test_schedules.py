import datetime as dt
import json

import pytest

from infra import schedules

RECIPE = {"factors": [{"name": "momentum"}]}


@pytest.fixture
def job(dataset):
    return {"kind": "factors", "params": {"prices": dataset, "recipe": RECIPE}}


@pytest.fixture
def body(job):
    return {"cron": "30 18 * * MON-FRI", "timezone": "America/New_York", "calendar": "XNYS", "job": job}


def patch(client, path, change, **rest):
    return client.send("PATCH", path, data=json.dumps(change), content_type="application/json", **rest)


def test_a_schedule_is_made_with_its_defaults_and_its_next_tick(client, body):
    made = client.post("/v1/schedules", body)
    assert made.status_code == 201
    found = client.get(made.headers["Location"]).json
    assert found == made.json
    assert (found["catch_up"], found["paused"], found["pipeline"], found["missed"]) == ("skip", False, None, 0)
    assert found["job"]["params"]["prices"] == body["job"]["params"]["prices"]
    tick = dt.datetime.fromisoformat(found["next_at"])
    assert tick > dt.datetime.now(dt.UTC)
    assert client.get("/v1/schedules").json["data"] == [found]
    assert client.get("/v1/jobs?kind=factors").json["data"] == []


def test_what_it_did_is_listed(client, database, body):
    made = client.post("/v1/schedules", body | {"cron": "0 * * * *", "calendar": None, "catch_up": "all"})
    now = dt.datetime.now(dt.UTC) + dt.timedelta(hours=3)
    assert schedules.fire(database, client.org_id, made.json["id"], now) == 3
    path = f"{made.headers['Location']}/fires"
    first = client.get(f"{path}?limit=2").json
    second = client.get(f"{path}?limit=2&cursor={first['next_cursor']}").json
    ticks = first["data"] + second["data"]
    assert len(ticks) == 3
    assert [one["at"] for one in ticks] == sorted((one["at"] for one in ticks), reverse=True)
    for one in ticks:
        assert client.get(f"/v1/jobs/{one['job']}").json["state"] == "queued"


def test_a_pipeline_can_be_scheduled(client, body, job):
    body.pop("job")
    made = client.post("/v1/schedules", body | {"pipeline": {"steps": {"a": job}}})
    assert made.status_code == 201
    assert made.json["job"] is None
    assert set(made.json["pipeline"]["steps"]) == {"a"}


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"cron": "* * * *"}, ["/cron"]),
        ({"cron": "61 * * * *", "timezone": "Mars/Olympus", "calendar": "XNIL"}, ["/calendar", "/cron", "/timezone"]),
        ({"catch_up": "some"}, ["/catch_up"]),
        ({"job": {"kind": "nothing", "params": {}}}, ["/job/kind"]),
        ({"job": {"kind": "factors", "params": {"prices": 3, "recipe": RECIPE}}}, ["/job/params/prices"]),
        ({"pipeline": {"steps": {}}}, [""]),
        ({"every": "day"}, ["/every"]),
    ],
)  # fmt: skip
def test_all_that_is_wrong_is_named_at_once(client, body, change, pointers):
    refused = client.post("/v1/schedules", body | change)
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json["errors"]] == pointers


def test_a_dataset_that_is_not_there_is_refused_now_and_not_at_the_tick(client, body):
    body["job"]["params"]["prices"] = "ds_01970000-0000-7000-8000-00000000beef"
    assert client.post("/v1/schedules", body).status_code == 422
    assert client.get("/v1/schedules").json["data"] == []


def test_a_schedule_is_changed_paused_and_resumed(client, body):
    path = client.post("/v1/schedules", body).headers["Location"]
    changed = patch(client, path, {"cron": "0 9 * * *", "calendar": None}).json
    assert (changed["cron"], changed["calendar"], changed["timezone"]) == ("0 9 * * *", None, "America/New_York")
    paused = patch(client, path, {"paused": True}).json
    assert (paused["paused"], paused["paused_reason"], paused["next_at"]) == (True, "asked", None)
    resumed = patch(client, path, {"paused": False}).json
    assert (resumed["paused"], resumed["paused_reason"]) == (False, None)
    assert resumed["next_at"] == changed["next_at"]


def test_one_may_change_ones_own_and_an_admin_everybodys(client, key_of, body):
    mine, others = key_of("quant"), key_of("quant")
    path = client.post("/v1/schedules", body, key=mine).headers["Location"]
    assert client.get(path, key=others).status_code == 200
    for answer in (patch(client, path, {"paused": True}, key=others), client.delete(path, key=others)):
        assert answer.status_code == 403
    assert patch(client, path, {"name": "mine"}, key=mine).status_code == 200
    taken = patch(client, path, {"name": "the admin's"}, key=key_of("admin"))
    assert taken.status_code == 200
    assert patch(client, path, {"name": "mine again"}, key=mine).status_code == 403
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_a_viewer_may_look_and_not_schedule(client, key_of, body):
    viewer = key_of("viewer")
    assert client.post("/v1/schedules", body, key=viewer).status_code == 403
    assert client.get("/v1/schedules", key=viewer).status_code == 200
    assert client.get("/v1/schedules").json["data"] == []
