from __future__ import annotations

import base64

import pytest

from infra.orgs import create_org


def walk(client, path, limit=3):
    """Return the ids of all pages, following the Link header as a client would."""
    seen, url = [], f"{path}{'&' if '?' in path else '?'}limit={limit}"
    while url:
        response = client.get(url)
        seen += [one["id"] for one in response.json["data"]]
        link = response.headers.get("Link")
        assert (link is None) == (response.json["next_cursor"] is None)
        url = link.partition("<")[2].partition(">")[0] if link else None
    return seen


def test_pages_show_every_job_once_newest_first(client, put):
    made = [put.job() for _ in range(10)]
    assert walk(client, "/v1/jobs") == made[::-1]


def test_paging_is_stable_while_jobs_are_added(client, put):
    made = [put.job() for _ in range(6)]
    first = client.get("/v1/jobs?limit=3").json
    put.job()
    rest = client.get(f"/v1/jobs?limit=10&cursor={first['next_cursor']}").json
    assert [one["id"] for one in first["data"] + rest["data"]] == made[::-1]


def test_a_cursor_keeps_the_filters_it_came_with(client, put):
    equities = [put.job(tags={"desk": "equities"}, kind="ingest") for _ in range(4)]
    [put.job(tags={"desk": "rates"}) for _ in range(4)]
    assert walk(client, "/v1/jobs?tag.desk=equities&kind=ingest", limit=2) == equities[::-1]
    cursor = client.get("/v1/jobs?limit=1&tag.desk=equities").json["next_cursor"]
    for other in ["", "&tag.desk=rates", "&tag.desk=equities&state=queued", "&tag.desk=equities&tag.x=y"]:
        assert client.get(f"/v1/jobs?cursor={cursor}{other}").status_code == 422


def test_a_cursor_is_nobody_elses_and_no_other_lists(client, put, database):
    [put.job() for _ in range(3)]
    cursor = client.get("/v1/jobs?limit=1").json["next_cursor"]
    stranger = create_org(database, "stranger").key_text
    assert client.get(f"/v1/jobs?cursor={cursor}", key=stranger).status_code == 422
    assert client.get(f"/v1/keys?cursor={cursor}").status_code == 422
    assert client.get(f"/v1/jobs?cursor={cursor}").status_code == 200


def test_an_edited_cursor_is_refused(client, put):
    [put.job() for _ in range(3)]
    cursor = client.get("/v1/jobs?limit=1").json["next_cursor"]
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    for place in range(len(raw)):
        edited = raw.copy()
        edited[place] ^= 1
        text = base64.urlsafe_b64encode(edited).decode().rstrip("=")
        assert client.get(f"/v1/jobs?cursor={text}").status_code == 422
    for cut in [cursor[:-1], cursor[1:], cursor[:20], "", "é", "%00"]:
        assert client.get(f"/v1/jobs?cursor={cut}").status_code == 422


@pytest.mark.parametrize(
    ("query", "found"),
    [("state=failed", 1), ("kind=ingest", 0), ("created_after=2199-01-01T00:00:00Z", 0),
     ("created_before=2199-01-01T00:00:00Z", 2), ("tag.a=b", 1), ("tag.a=c", 0)],
)  # fmt: skip
def test_lists_are_narrowed(client, put, query, found):
    put.job(state="failed", tags={"a": "b"})
    put.job()
    assert len(client.get(f"/v1/jobs?{query}").json["data"]) == found
