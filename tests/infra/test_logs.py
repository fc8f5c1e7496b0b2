import io
import json
import logging
import threading

import pytest

from infra import logs


@pytest.fixture
def lines():
    """The lines that a logger of the test's own writes; the root's handlers are left alone."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.Lines())
    logger = logging.getLogger("test.logs")
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel("DEBUG")
    yield logger, lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(handler)


def test_a_line_is_one_json_object_with_the_ids_that_are_bound(lines):
    logger, read = lines
    with logs.bound(request_id="req_1"), logs.bound(job_id="job_1", trace_id=None):
        logger.info("did %s\nand more", "it", extra={"seconds": 1.5, "where": "here"})
    logger.warning("after")
    first, second = read()
    assert first["at"].endswith("+00:00")
    del first["at"]
    assert first == {
        "level": "info",
        "logger": "test.logs",
        "message": "did it\nand more",
        "request_id": "req_1",
        "job_id": "job_1",
        "seconds": 1.5,
        "where": "here",
    }
    assert "request_id" not in second


def test_another_thread_has_ids_of_its_own(lines):
    logger, read = lines
    with logs.bound(request_id="req_1"):
        thread = threading.Thread(target=lambda: logger.info("elsewhere"))
        thread.start()
        thread.join()
    assert "request_id" not in read()[0]


KEY = "floor_0EokB8mBa3dczKQTS_eMg3tsUKUqQwxM22eO6rEJTSEceEpumT3uDwQXp40BS1EYJl1"
SECRETS = [
    (KEY, "eMg3tsUKUqQwxM22eO6rEJTSEceEpumT3uDwQXp40BS1EYJl1"),
    (f"Authorization: Bearer {KEY}", KEY),
    ("headers={'Authorization': 'Basic dXNlcjpwYXNz'}", "dXNlcjpwYXNz"),
    ("postgresql://floor:hunter2@db:5432/floor", "hunter2"),
    ("redis://:hunter2@localhost:6379/0", "hunter2"),
    ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ("http://s3/x?X-Amz-Credential=AKIA%2F2026&X-Amz-Signature=0123abcd&a=b", "0123abcd"),
    ("http://s3/x?X-Amz-Credential=AKIAEXAMPLE&X-Amz-Signature=0123abcd", "AKIAEXAMPLE"),
    ('{"password": "hunter2"}', "hunter2"),
    ("connect(secret_key='hunter2', user='me')", "hunter2"),
    ("token=hunter2&x=1", "hunter2"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_no_secret_is_ever_written(lines, text, secret):
    logger, read = lines
    logger.info(text)
    logger.info("%s", text)
    logger.info("beside", extra={"detail": text})
    try:
        int(text)
    except ValueError:
        logger.exception("failed")
    written = read()
    assert len(written) == 4
    assert all(secret not in json.dumps(line) for line in written)
    assert all(logs.REMOVED in json.dumps(line) for line in written)


@pytest.mark.parametrize(
    "text",
    [
        "job_01970000-0000-7000-8000-000000000000 took 1.5 s",
        "GET /v1/jobs?limit=5 200",
        "sha256 9362660c4a31150cf18e78cae2ce8aa1e929fc6c6739e69f6dd5dbea9c3edc82",
        "http://127.0.0.1:8000/docs is ready",
        "the token was taken by another worker",
    ],
)
def test_what_is_no_secret_is_left_as_it_is(text):
    assert logs.redacted(text) == text
