"""What is kept no longer goes from the object store, and nothing else does."""

import hashlib

import pytest
from psycopg.types.json import Jsonb

from infra import dispatching, leases, uploads
from infra.ids import new_id
from tasks.errors import Gone, NotFound
from worker.tidying import tidy


@pytest.fixture
def world(database, files, org, tmp_path):
    return World(database, files, org.org_id, tmp_path)


class World:
    def __init__(self, database, files, org_id, folder):
        self.database, self.files, self.org_id, self.folder = database, files, org_id, folder

    def tidy(self):
        return tidy(self.database, self.files)

    def sql(self, statement, values=()):
        with self.database.system() as connection:
            found = connection.execute(statement, values)
            return found.fetchall() if found.description else None

    def store(self, key):
        path = self.folder / "bytes"
        path.write_bytes(b"x")
        self.files.put(key, path, "text/plain", hashlib.sha256(b"x").hexdigest())
        return key

    def job(self, *, age_days=0, state="succeeded", inputs=None):
        job_id = new_id("job")
        self.sql(
            "INSERT INTO jobs (org_id, id, kind, queue, state, params, inputs, priority, cache, timeout_s, memory_mb, "
            "created_at, queued_at, finished_at) VALUES (%(org)s, %(id)s, 'factors', 'tidy', %(state)s, '{}', "
            "%(inputs)s, 'normal', 'off', 60, 100, now() - make_interval(days => %(age)s), now(), "
            "CASE WHEN %(state)s = 'succeeded' THEN now() - make_interval(days => %(age)s) END)",
            {"org": self.org_id, "id": job_id, "state": state, "inputs": Jsonb(inputs or {}), "age": age_days},
        )
        return job_id

    def artifact(self, job_id, key=None):
        key = key or self.store(f"orgs/{self.org_id}/jobs/{job_id}/1/a.txt")
        with self.database.org(self.org_id) as connection:
            connection.execute(
                "INSERT INTO artifacts (org_id, job_id, name, attempt, media_type, bytes, sha256, key, filename) "
                "VALUES (%s, %s, 'a.txt', 1, 'text/plain', 1, 'x', %s, 'a.txt')",
                [self.org_id, job_id, key],
            )
        return key

    def keep_for(self, days):
        self.sql("UPDATE orgs SET settings = %s WHERE id = %s", [Jsonb({"retention_days": days}), self.org_id])

    def make_due(self):
        self.sql("UPDATE doomed_objects SET due_at = now() WHERE org_id = %s", [self.org_id])

    def doomed(self):
        return [row["key"] for row in self.sql("SELECT key FROM doomed_objects WHERE org_id = %s", [self.org_id])]

    def deleted(self, job_id):
        rows = self.sql("SELECT deleted_at IS NOT NULL AS gone FROM artifacts WHERE job_id = %s", [job_id])
        return [row["gone"] for row in rows] == [True]


def start_upload(world, **given):
    with world.database.org(world.org_id) as connection:
        row = uploads.start(
            connection, world.org_id, filename="p.csv", media_type="text/csv", size=1, sha256=None, by=None, **given
        )
    return row


def test_an_upload_that_never_came_goes_with_its_object_and_its_open_parts(world):
    kept, simple = start_upload(world), start_upload(world)
    world.store(simple["key"])
    upload_id = new_id("upl")
    key = uploads.key_of(world.org_id, upload_id, "p.csv")
    parts = world.files.start_multipart(world.org_id, key, "text/csv")
    start_upload(world, upload_id=upload_id, multipart_id=parts)
    world.sql("UPDATE uploads SET expires_at = now() - interval '1 s' WHERE id = ANY (%s)", [[simple["id"], upload_id]])
    world.tidy()
    rows = world.sql("SELECT id FROM uploads WHERE org_id = %s", [world.org_id])
    assert [row["id"] for row in rows] == [kept["id"]]
    assert world.files.head(simple["key"]) is None
    with pytest.raises(NotFound):
        world.files.complete_multipart(world.org_id, key, parts, ["x"])
    assert world.doomed() == []


def test_what_a_lost_attempt_stored_goes_and_what_the_winning_one_stored_stays(world):
    job_id = world.job(state="queued")
    with world.database.system() as connection:
        (row,) = dispatching.claim_next(connection, "tidy", 1)
        held = leases.claim(connection, job_id, row["token"], worker_id="w", child_pid=1, lease_s=60)
    lost = world.store(f"orgs/{world.org_id}/jobs/{job_id}/1/a.txt")
    won = world.store(f"orgs/{world.org_id}/jobs/{job_id}/2/a.txt")
    with world.database.org(world.org_id) as connection:
        leases.requeue(connection, held, leases.Requeue("fault"))
    world.tidy()
    assert world.files.head(lost) is not None  # its worker might still be at it
    rows = world.sql("SELECT due_at > now() + interval '59 minutes' AS late FROM doomed_objects WHERE key LIKE %s",
                     [f"%{job_id}%"])  # fmt: skip
    assert [row["late"] for row in rows] == [True]
    world.make_due()
    world.tidy()
    assert world.files.head(lost) is None
    assert world.files.head(won) is not None


def test_files_older_than_the_organisation_keeps_them_go(world):
    old, young = world.job(age_days=31), world.job(age_days=29)
    old_key, young_key = world.artifact(old), world.artifact(young)
    world.tidy()
    assert not world.deleted(old)  # nobody asked for it
    world.keep_for(30)
    world.tidy()
    assert (world.deleted(old), world.deleted(young)) == (True, False)
    world.make_due()
    world.tidy()
    assert world.files.head(old_key) is None
    assert world.files.head(young_key) is not None
    assert world.sql("SELECT 1 FROM audit WHERE org_id = %s AND action = 'retention.applied'", [world.org_id])


def test_an_old_upload_is_gone(world):
    row = start_upload(world)
    world.sql(
        "UPDATE uploads SET state = 'completed', completed_at = now() - interval '2 days' WHERE id = %s", [row["id"]]
    )
    world.keep_for(1)
    world.tidy()
    with pytest.raises(Gone), world.database.org(world.org_id) as connection:
        uploads.get(connection, row["id"])


def test_bytes_that_a_younger_job_shares_stay(world):
    old, young = world.job(age_days=31), world.job()
    key = world.artifact(old)
    world.artifact(young, key)
    world.keep_for(30)
    world.tidy()
    assert world.deleted(old)
    world.make_due()
    world.tidy()
    assert world.files.head(key) is not None
    assert world.doomed() == []


def test_what_an_unfinished_job_is_to_read_stays_until_it_has(world):
    old = world.job(age_days=31)
    key = world.artifact(old)
    reader = world.job(state="queued", inputs={"x": {"key": key}})
    world.keep_for(30)
    world.tidy()
    assert not world.deleted(old)
    world.sql("UPDATE jobs SET state = 'cancelled', finished_at = now() WHERE id = %s", [reader])
    world.tidy()
    assert world.deleted(old)


def test_a_datasets_version_stays(world):
    old = world.job(age_days=31)
    key = world.artifact(old)
    dataset = new_id("ds")
    with world.database.org(world.org_id) as connection:
        connection.execute(
            "INSERT INTO datasets (org_id, id, name, type) VALUES (%s, %s, 'd', 'prices')", [world.org_id, dataset]
        )
        connection.execute(
            "INSERT INTO dataset_versions (org_id, dataset_id, version, job_id, artifact, sha256, bytes, key, rows, "
            "symbols, schema, health) VALUES (%s, %s, 1, %s, 'a.txt', 'x', 1, %s, 1, 1, '[]', '{}')",
            [world.org_id, dataset, old, key],
        )
    world.keep_for(30)
    world.tidy()
    assert not world.deleted(old)


def test_only_one_attempts_prefix_can_be_swept(files, org):
    for prefix in (f"orgs/{org.org_id}/", f"orgs/{org.org_id}/jobs/job_1/", "orgs/other/jobs/job_1/1/"):
        with pytest.raises(ValueError, match="not"):
            files.delete_below(org.org_id, prefix)
