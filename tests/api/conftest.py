"""The application over the real servers, and a client that holds every answer against the OpenAPI document."""

from __future__ import annotations

import dataclasses
import io
import json
import re

import jsonschema
import pytest
from psycopg.types.json import Jsonb
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from api.app import create_app
from api.openapi import document
from infra import keys
from infra.ids import new_id


def documented(method, path):
    """Return the document's operation for a request, or None where the path is none of the document's."""
    found = [
        operations
        for pattern, operations in document()["paths"].items()
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path)
    ]
    exact = document()["paths"].get(path)
    operations = exact or (found[0] if found else None)
    return operations.get(method.lower()) if operations else None


def check_against_document(method, path, response):
    operation = documented(method, path.partition("?")[0])
    if operation is None:
        assert response.status_code in {404, 405}, (method, path, response.status_code)
        return
    answers = operation["responses"]
    assert str(response.status_code) in answers, f"{method} {path} answered {response.status_code}, undocumented"
    answer = answers[str(response.status_code)]
    for name in answer.get("headers", {}):
        if name not in {"Link", "Preference-Applied"}:
            assert name in response.headers, f"{method} {path} lacks the documented header {name}"
    if response.is_streamed or not response.data:
        return
    content = answer.get("content", {})
    assert response.mimetype in content, f"{method} {path} answered {response.mimetype}, documented: {list(content)}"
    if response.is_json:
        schema = {**content[response.mimetype]["schema"], "components": document()["components"]}
        jsonschema.Draft202012Validator(schema).validate(response.json)


class Client:
    """A test client with a key in its hand."""

    def __init__(self, app, key, org_id=None):
        self.app, self.key, self.org_id, self.flask = app, key, org_id, app.test_client()

    def send(self, method, path, *, key=None, **kwargs):
        headers = {"Authorization": f"Bearer {key or self.key}", **kwargs.pop("headers", {})}
        response = self.flask.open(path, method=method, headers=headers, **kwargs)
        check_against_document(method, path, response)
        return response

    def get(self, path, **kwargs):
        return self.send("GET", path, **kwargs)

    def post(self, path, body=None, **kwargs):
        if body is not None:
            text = body if isinstance(body, str | bytes) else json.dumps(body)
            kwargs = {"content_type": "application/json"} | kwargs | {"data": text}
        return self.send("POST", path, **kwargs)

    def delete(self, path, **kwargs):
        return self.send("DELETE", path, **kwargs)

    def upload(self, content=b"date,symbol,close\n2024-01-02,AAA,1\n", **rest):
        return self.form({"file": (io.BytesIO(content), "prices.csv")} | rest)

    def form(self, fields, **rest):
        """Send a form; encoded here, for the test client would leave its temporary file open."""
        parts = {name: FileStorage(*one) if isinstance(one, tuple) else one for name, one in fields.items()}
        boundary, body = encode_multipart(parts)
        return self.send(
            "POST", "/v1/uploads", data=body, content_type=f"multipart/form-data; boundary={boundary}", **rest
        )


@pytest.fixture(scope="session", autouse=True)
def _counters():
    """Close the counters' files when all is over: a process has one set of them, whatever number of applications."""
    yield
    from prometheus_client import values

    values.close_all_multiprocess_files()


@pytest.fixture(scope="session")
def app(settings, files):
    # The limits have a test of their own; here hundreds of requests a second are no flood.
    app = create_app(dataclasses.replace(settings, rate_burst=100_000, rate_minute=1_000_000))
    yield app
    app.extensions["floor"].bell.close()
    app.extensions["floor"].database.close()


@pytest.fixture
def client(app, org):
    return Client(app, org.key_text, org.org_id)


@pytest.fixture
def key_of(database, org):
    def make(role, **rest):
        with database.org(org.org_id) as connection:
            return keys.create(connection, org.org_id, role, role, **rest).text

    return make


@pytest.fixture
def dataset(client, database):
    """The id of a dataset with one version."""
    return put_dataset(client, database, new_id("ds"))


@pytest.fixture
def put(client, database):
    """Put rows in place that a worker would otherwise have to make."""

    class Put:
        def job(self, job_id=None, **values):
            return put_job(client, database, job_id or new_id("job"), **values)

        def dataset(self, dataset_id=None, **values):
            return put_dataset(client, database, dataset_id or new_id("ds"), **values)

        def row(self, table, **values):
            with database.org(client.org_id) as connection:
                insert(connection, table, org_id=client.org_id, **values)

    return Put()


def insert(connection, table, **values):
    columns = ", ".join(values)
    places = ", ".join(["%s"] * len(values))
    given = [Jsonb(value) if isinstance(value, dict | list) else value for value in values.values()]
    connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", given)


def put_job(client, database, job_id, *, kind="factors", state="queued", artifacts=(), **values):
    row = {
        "kind": kind,
        "queue": "compute",
        "state": state,
        "params": {},
        "priority": "normal",
        "cache": "use",
        "timeout_s": 60,
        "memory_mb": 100,
        "queued_at": "2026-01-02T03:04:05Z",
    } | values
    if state in {"succeeded", "failed", "cancelled"}:
        row.setdefault("finished_at", "2026-01-02T03:05:05Z")
    if state == "running":
        row |= {"lease_token": "0" * 32, "lease_until": "2099-01-01T00:00:00Z", "started_at": "2026-01-02T03:04:06Z"}
    with database.org(client.org_id) as connection:
        insert(connection, "jobs", org_id=client.org_id, id=job_id, **row)
        insert(connection, "job_events", org_id=client.org_id, job_id=job_id, type="queued", data={})
        for name in artifacts:
            insert(
                connection,
                "artifacts",
                org_id=client.org_id,
                job_id=job_id,
                name=name,
                attempt=1,
                media_type="application/octet-stream",
                bytes=3,
                sha256="0" * 64,
                rows=None,
                key=f"orgs/{client.org_id}/jobs/{job_id}/1/{name}",
                filename=name,
            )
    return job_id


def put_dataset(client, database, dataset_id, *, type_="prices", health=None, versions=1, deleted_at=None):
    job_id = put_job(client, database, new_id("job"), kind="ingest", state="succeeded")
    with database.org(client.org_id) as connection:
        insert(
            connection,
            "datasets",
            org_id=client.org_id,
            id=dataset_id,
            name=f"name of {dataset_id}",
            type=type_,
            current_version=versions,
        )
        for version in range(1, versions + 1):
            insert(
                connection,
                "dataset_versions",
                org_id=client.org_id,
                dataset_id=dataset_id,
                version=version,
                job_id=job_id,
                artifact="prices",
                sha256="0" * 64,
                bytes=1000,
                key=f"orgs/{client.org_id}/jobs/{job_id}/1/prices.parquet",
                rows=4,
                symbols=2,
                start_date="2024-01-02",
                end_date="2024-01-03",
                schema=[{"name": "date", "type": "DATE"}],
                health=health or {},
                deleted_at=deleted_at,
            )
    return dataset_id
