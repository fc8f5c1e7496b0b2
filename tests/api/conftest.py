"""The application over the real servers, and a client that speaks for one fresh organisation."""

from __future__ import annotations

import dataclasses
import json

import pytest

from api.app import create_app
from infra import keys


class Client:
    """A test client with a key in its hand."""

    def __init__(self, app, key):
        self.app, self.key, self.flask = app, key, app.test_client()

    def send(self, method, path, *, key=None, **kwargs):
        headers = {"Authorization": f"Bearer {key or self.key}", **kwargs.pop("headers", {})}
        return self.flask.open(path, method=method, headers=headers, **kwargs)

    def get(self, path, **kwargs):
        return self.send("GET", path, **kwargs)

    def post(self, path, body=None, **kwargs):
        if body is not None:
            kwargs |= {"data": json.dumps(body), "content_type": "application/json"}
        return self.send("POST", path, **kwargs)


@pytest.fixture(scope="session")
def app(settings, files):
    # The limits have a test of their own; here hundreds of requests a second are no flood.
    return create_app(dataclasses.replace(settings, rate_burst=100_000, rate_minute=1_000_000))


@pytest.fixture
def client(app, org):
    return Client(app, org.key_text)


@pytest.fixture
def key_of_role(database, org):
    def make(role):
        with database.org(org.org_id) as connection:
            return keys.create(connection, org.org_id, role, role).text

    return make


@pytest.fixture
def upload(client):
    """The id of a small completed upload."""
    data = {"file": (__import__("io").BytesIO(b"date,symbol,close\n2024-01-02,AAA,1\n"), "prices.csv")}
    return client.post("/v1/uploads", data=data, content_type="multipart/form-data").json["id"]
