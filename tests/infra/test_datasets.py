from __future__ import annotations

import pytest
from psycopg.types.json import Jsonb

from infra import datasets
from infra.ids import new_id
from infra.orgs import create_org
from tasks.errors import Gone, NotFound


@pytest.fixture
def dataset(database, org):
    """The id of a dataset with three versions, of which the first has been deleted."""
    dataset_id, job_id = new_id("ds"), new_id("job")
    with database.org(org.org_id) as connection:
        connection.execute(
            "INSERT INTO jobs (org_id, id, kind, queue, state, params, priority, cache, timeout_s, memory_mb, "
            "finished_at) VALUES (%s, %s, 'ingest', 'compute', 'succeeded', '{}', 'normal', 'use', 60, 100, now())",
            [org.org_id, job_id],
        )
        connection.execute(
            "INSERT INTO datasets (org_id, id, name, type, current_version) VALUES (%s, %s, 'd', 'prices', 3)",
            [org.org_id, dataset_id],
        )
        for version in (1, 2, 3):
            connection.execute(
                "INSERT INTO dataset_versions (org_id, dataset_id, version, job_id, artifact, sha256, bytes, key, "
                "rows, symbols, schema, health, deleted_at) "
                "VALUES (%s, %s, %s, %s, 'prices', %s, 1, 'k', %s, 1, '[]', %s, %s)",
                [
                    org.org_id,
                    dataset_id,
                    version,
                    job_id,
                    "0" * 64,
                    version * 10,
                    Jsonb({}),
                    "now" if version == 1 else None,
                ],
            )
    return dataset_id


def test_the_current_version_describes_the_dataset(database, org, dataset):
    with database.org(org.org_id) as connection:
        assert datasets.get(connection, dataset)["rows"] == 30
        assert datasets.version(connection, dataset, None)["version"] == 3
        assert datasets.version(connection, dataset, 2)["rows"] == 20


def test_versions_come_newest_first_below_a_number(database, org, dataset):
    with database.org(org.org_id) as connection:
        assert [row["version"] for row in datasets.versions(connection, dataset)] == [3, 2, 1]
        assert [row["version"] for row in datasets.versions(connection, dataset, before=3, limit=1)] == [2]


def test_a_deleted_version_is_gone_and_an_unknown_one_not_found(database, org, dataset):
    with pytest.raises(Gone), database.org(org.org_id) as connection:
        datasets.version(connection, dataset, 1)
    with pytest.raises(NotFound), database.org(org.org_id) as connection:
        datasets.version(connection, dataset, 4)


def test_another_organisation_finds_nothing(database, dataset):
    stranger = create_org(database, "stranger")
    for look in (datasets.get, datasets.versions):
        with pytest.raises(NotFound), database.org(stranger.org_id) as connection:
            look(connection, dataset)
