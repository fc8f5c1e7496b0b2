"""The client against a real HTTP server that answers by a script: what it repeats, what it never repeats."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.client import ApiError, Client, Damaged, Unreachable, pause


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.seen = [], []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        status, headers, content = self.server.answers.pop(0)
        if status is None:  # break off without an answer
            self.close_connection = True
            return
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0" if status == 304 else str(len(content)))
        self.end_headers()
        self.wfile.write(b"" if status == 304 else content)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the standard library's own names

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def client(server):
    with Client(server.url, "floor_a_b") as client:
        yield client


AWAY = (503, {"Retry-After": "0"}, {})


def test_a_submission_is_repeated_under_one_idempotency_key(server, client):
    server.answers = [AWAY, (None, {}, {}), (429, {"Retry-After": "0"}, {}), (202, {}, {"id": "job_1"})]
    assert client.submit("factors", {"a": 1}, cache="off") == {"id": "job_1"}
    assert len({headers["Idempotency-Key"] for _, _, headers, _ in server.seen}) == 1
    assert [json.loads(body) for *_, body in server.seen] == [
        {"kind": "factors", "params": {"a": 1}, "cache": "off"}
    ] * 4
    assert server.seen[0][2]["Authorization"] == "Bearer floor_a_b"


def test_two_submissions_have_two_keys(server, client):
    server.answers = [(202, {}, {"id": "job_1"}), (202, {}, {"id": "job_2"})]
    client.submit("factors", {})
    client.submit("factors", {})
    assert server.seen[0][2]["Idempotency-Key"] != server.seen[1][2]["Idempotency-Key"]


def test_a_refusal_is_not_repeated_and_names_every_violation(server, client):
    faults = [{"pointer": "/params/a", "detail": "is wrong."}, {"pointer": "/params/b", "detail": "is missing."}]
    problem = {"title": "Validation failed", "detail": "Two things.", "errors": faults, "status": 422}
    server.answers = [(422, {"Content-Type": "application/problem+json"}, problem)]
    with pytest.raises(ApiError) as told:
        client.submit("factors", {})
    assert told.value.problem == problem
    assert str(told.value) == "Two things.\n  /params/a: is wrong.\n  /params/b: is missing."
    assert len(server.seen) == 1


def test_a_server_error_is_told_after_a_bounded_number_of_attempts(server, client):
    server.answers = [AWAY] * 9
    with pytest.raises(ApiError) as told:
        client.get("/v1/jobs")
    assert told.value.status == 503
    assert len(server.seen) == 5


def test_an_internal_error_is_not_repeated(server, client):
    server.answers = [(500, {}, {})]
    with pytest.raises(ApiError):
        client.get("/v1/jobs")
    assert len(server.seen) == 1


def test_nobody_there_is_told_with_what_to_do():
    with Client("http://127.0.0.1:9", "key") as client, pytest.raises(Unreachable, match="floor up"):
        client.get("/v1/jobs")


def test_waiting_asks_the_server_to_hold_the_answer(server, client):
    running, done = {"id": "job_1", "state": "running"}, {"id": "job_1", "state": "succeeded"}
    server.answers = [(200, {}, running), (200, {}, done)]
    assert client.wait("job_1") == done
    assert server.seen[0][2]["Prefer"] == "wait=30"


def test_waiting_ends(server, client):
    server.answers = [(200, {}, {"id": "job_1", "state": "running"})] * 50
    with pytest.raises(TimeoutError):
        client.wait("job_1", within_s=0.0)


def test_following_yields_changes_only(server, client):
    running, done = {"id": "job_1", "state": "running"}, {"id": "job_1", "state": "failed"}
    server.answers = [(200, {"ETag": '"1"'}, running), (304, {}, {}), (200, {"ETag": '"2"'}, done)]
    assert [job["state"] for job in client.follow("job_1")] == ["running", "failed"]
    assert [headers.get("If-None-Match") for _, _, headers, _ in server.seen] == [None, '"1"', '"1"']


def test_pages_are_walked_to_the_end(server, client):
    server.answers = [
        (200, {}, {"data": [{"id": 1}], "next_cursor": "c2"}),
        (200, {}, {"data": [], "next_cursor": None}),
    ]
    assert list(client.pages("/v1/jobs", kind="factors")) == [{"id": 1}]
    assert server.seen[1][1] == "/v1/jobs?kind=factors&cursor=c2"


def test_a_download_is_checked_and_never_carries_the_key(server, client, tmp_path):
    content = b"a" * 3_000_000
    artifact = {"name": "x.csv", "url": f"{server.url}/signed", "sha256": hashlib.sha256(content).hexdigest()}
    server.answers = [(200, {}, content)]
    counted = []
    assert client.download(artifact, tmp_path / "new" / "x.csv", counted.append).read_bytes() == content
    assert sum(counted) == len(content)
    assert "Authorization" not in server.seen[0][2]


def test_a_damaged_download_leaves_nothing(server, client, tmp_path):
    server.answers = [(200, {}, b"other")]
    with pytest.raises(Damaged):
        client.download({"name": "x", "url": f"{server.url}/s", "sha256": "0" * 64}, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_an_upload_goes_to_the_store_in_the_parts_that_were_asked_for(server, client, tmp_path):
    path = tmp_path / "big.csv"
    path.write_bytes(b"0123456789")
    parts = [
        {"number": 1, "bytes": 6, "method": "PUT", "url": f"{server.url}/p1", "headers": {"X-A": "1"}},
        {"number": 2, "bytes": 4, "method": "PUT", "url": f"{server.url}/p2", "headers": {}},
    ]
    server.answers = [
        (201, {}, {"id": "upl_1", "parts": parts}),
        (200, {"ETag": '"e1"'}, b""),
        (200, {"ETag": '"e2"'}, b""),
        (200, {}, {"id": "upl_1", "state": "completed"}),
    ]
    assert client.upload(path)["state"] == "completed"
    announced = json.loads(server.seen[0][3])
    assert announced == {"filename": "big.csv", "bytes": 10, "sha256": hashlib.sha256(b"0123456789").hexdigest()}
    assert [body for *_, body in server.seen[1:3]] == [b"012345", b"6789"]
    assert server.seen[1][2]["X-A"] == "1"
    assert all("Authorization" not in headers for _, _, headers, _ in server.seen[1:3])
    assert json.loads(server.seen[3][3]) == {"parts": [{"number": 1, "etag": '"e1"'}, {"number": 2, "etag": '"e2"'}]}


def test_a_refused_upload_is_told(server, client, tmp_path):
    (tmp_path / "x").write_bytes(b"1")
    request = {"id": "upl_1", "method": "PUT", "url": f"{server.url}/p", "headers": {}, "parts": None}
    server.answers = [(201, {}, request), (403, {}, b"<Error/>")]
    with pytest.raises(ApiError) as told:
        client.upload(tmp_path / "x")
    assert told.value.status == 403


def test_the_pause_is_what_the_server_asks_for_within_reason():
    assert [pause(attempt, None) for attempt in (1, 2, 3)] == [0.1, 0.2, 0.4]
    assert pause(1, "3") == 3.0
    assert pause(1, "86400") == 10.0
    assert pause(1, "Wed, 21 Oct 2026 07:28:00 GMT") == 0.1
