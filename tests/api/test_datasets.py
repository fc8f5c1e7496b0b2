from __future__ import annotations

import pytest

from infra.orgs import create_org

SAMPLE = {
    "columns": ["date", "symbol", "close"],
    "rows": [
        ["2024-01-02", "AAA", 1.0],
        ["2024-01-02", "BBB", 2.0],
        ["2024-01-03", "AAA", None],
        ["2024-01-03", "BBB", 2.5],
    ],
}


@pytest.fixture
def sampled(put):
    return put.dataset(health={"ok": True, "sample": SAMPLE})


def test_a_dataset_is_described_by_its_current_version(client, put):
    dataset_id = put.dataset(versions=3, health={"ok": True})
    found = client.get(f"/v1/datasets/{dataset_id}").json
    assert (found["version"], found["rows"], found["symbols"]) == (3, 4, 2)
    assert (found["start"], found["end"]) == ("2024-01-02", "2024-01-03")
    assert found["health"] == {"ok": True}


def test_a_dataset_without_a_version_says_so(client, put):
    put.row("datasets", id="ds_01970000-0000-7000-8000-00000000aaaa", name="empty", type="prices")
    found = client.get("/v1/datasets/ds_01970000-0000-7000-8000-00000000aaaa").json
    assert (found["version"], found["schema"], found["health"]) == (None, None, None)


def test_datasets_are_found_by_name_and_type(client, put):
    prices, factors = put.dataset(), put.dataset(type_="factors")
    assert [one["id"] for one in client.get("/v1/datasets").json["data"]] == [factors, prices]
    assert [one["id"] for one in client.get("/v1/datasets?type=prices").json["data"]] == [prices]
    name = {"name": f"name of {factors}"}
    assert [one["id"] for one in client.get("/v1/datasets", query_string=name).json["data"]] == [factors]


def test_versions_come_newest_first_page_by_page(client, put):
    path, seen, cursor = f"/v1/datasets/{put.dataset(versions=5)}/versions", [], ""
    while cursor is not None:
        page = client.get(f"{path}?limit=2" + (f"&cursor={cursor}" if cursor else "")).json
        seen += [one["version"] for one in page["data"]]
        cursor = page["next_cursor"]
    assert seen == [5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("query", "closes"),
    [
        ("", [1.0, 2.0, None, 2.5]),
        ("symbol=AAA", [1.0, None]),
        ("start=2024-01-03", [None, 2.5]),
        ("end=2024-01-02", [1.0, 2.0]),
        ("symbol=BBB&start=2024-01-03&end=2024-01-03", [2.5]),
        ("limit=1", [1.0]),
        ("symbol=ZZZ", []),
    ],
)
def test_a_preview_shows_rows_of_the_sample(client, sampled, query, closes):
    found = client.get(f"/v1/datasets/{sampled}/preview?{query}").json
    assert [row[2] for row in found["rows"]] == closes
    assert (found["complete"], found["total_rows"], found["sample_rows"]) == (True, 4, 4)


def test_a_version_without_a_sample_says_that_its_preview_is_not_complete(client, put):
    found = client.get(f"/v1/datasets/{put.dataset()}/preview").json
    assert (found["rows"], found["complete"], found["total_rows"]) == ([], False, 4)


def test_the_sample_is_no_part_of_the_health(client, sampled):
    assert client.get(f"/v1/datasets/{sampled}").json["health"] == {"ok": True}
    assert client.get(f"/v1/datasets/{sampled}/versions").json["data"][0]["health"] == {"ok": True}


@pytest.mark.parametrize(
    "query", ["start=2024-02-30", "start=2024-W01-1", "end=20240101", "limit=0", "version=0", "x=1"]
)
def test_a_bad_preview_is_refused(client, sampled, query):
    assert client.get(f"/v1/datasets/{sampled}/preview?{query}").status_code == 422


def test_a_version_that_is_not_there_is_not_found(client, sampled):
    assert client.get(f"/v1/datasets/{sampled}/preview?version=1").status_code == 200
    assert client.get(f"/v1/datasets/{sampled}/preview?version=2").status_code == 404


def test_a_deleted_version_is_gone(client, put):
    dataset_id = put.dataset(deleted_at="2026-01-02T00:00:00Z")
    assert client.get(f"/v1/datasets/{dataset_id}/preview").status_code == 410
    assert client.get(f"/v1/datasets/{dataset_id}/versions").json["data"][0]["deleted_at"] is not None


def test_another_organisations_dataset_is_not_found(client, sampled, database):
    stranger = create_org(database, "stranger").key_text
    for tail in ["", "/versions", "/preview"]:
        assert client.get(f"/v1/datasets/{sampled}{tail}", key=stranger).status_code == 404
    assert client.get("/v1/datasets", key=stranger).json["data"] == []
