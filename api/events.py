"""A job's events, followed as a stream (SSE) that can be resumed, or listed as JSON."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any, Final

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from api import examples
from api.call import Reply
from api.endpoint import Answer, Example, endpoint
from api.fields import Count
from api.job_views import found
from api.jobs import TAG
from api.lists import list_of
from api.shapes import EventShape
from api.waiting import remaining
from infra import jobs
from infra.resources import moment
from tasks.errors import Malformed, NotAcceptable, RateLimited
from tasks.job import FINAL
from tasks.params import Params

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.call import Call

PING_S: Final = 15.0
STREAM_MAX_S: Final = 600.0  # then the client comes back with Last-Event-ID, and the thread was free in between
SSE: Final = "text/event-stream"


class EventQuery(Params):
    """Where in the events to start."""

    after = Count(minimum=0, load_default=0, metadata={"description": "the last `seq` seen"})


@endpoint(
    "GET",
    "/v1/jobs/{job_id}/events",
    tag=TAG,
    summary="Follow a job",
    permission="read",
    query=EventQuery,
    alone=True,
    answers={200: Answer("The events so far (JSON), or as they come (SSE).", list_of(EventShape), also=(SSE,))},
    refusals=(NotAcceptable,),
    example=Example(path={"job_id": examples.SUCCEEDED_JOB}, headers={"Accept": "application/json"}),
)
def get_events(call: Call) -> Reply:
    """Stream what happens to a job until it is final; `Last-Event-ID` resumes, `Accept: application/json` lists."""
    after = _after(call)
    accepted = parse_accept_header(call.headers.get("Accept") or "*/*", MIMEAccept)
    chosen = accepted.best_match([SSE, "application/json"])
    if chosen is None:
        raise NotAcceptable("Events come as text/event-stream or as application/json.")
    _, events = _look(call, after)
    if chosen == "application/json":
        return Reply({"data": [_resource(event) for event in events], "next_cursor": None})
    if not call.services.streams.take(call.org_id):
        detail = "Too many streams are open; close one, or list the events with `Accept: application/json`."
        raise RateLimited(detail, retry_after_s=5)
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    return Reply(stream=Stream(call, after), headers=headers, media_type=SSE)


class Stream:
    """One open stream; holds its organisation's place until it is closed, whether or not it was ever read."""

    def __init__(self, call: Call, after: int) -> None:
        self._call = call
        self._lines = _lines(call, after)
        self._open = True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self._lines)

    def close(self) -> None:
        """Give the place back."""
        if self._open:
            self._open = False
            self._call.services.streams.give_back(self._call.org_id)


def _lines(call: Call, after: int) -> Iterator[str]:
    """Write events as they come, a comment when nothing does, until the job is final or the stream is old."""
    until, bell = time.monotonic() + STREAM_MAX_S, call.services.bell
    said = time.monotonic()
    yield "retry: 1000\n\n"
    with bell.follow(call.path["job_id"]) as changed:
        while remaining(until) and not bell.closing.is_set():
            changed.clear()
            state, events = _look(call, after)
            for event in events:
                after = event["seq"]
                yield _written(event)
            if state in FINAL and not events:
                return
            if events:
                said = time.monotonic()
                continue
            bell.wait(changed, PING_S)
            if time.monotonic() - said >= PING_S:
                said = time.monotonic()
                yield ": ping\n\n"


def _look(call: Call, after: int) -> tuple[str, list[dict[str, Any]]]:
    with call.transaction() as connection:
        job = found(connection, call.path["job_id"])
        return job["state"], jobs.events_after(connection, job["id"], after)


def _after(call: Call) -> int:
    given = call.headers.get("Last-Event-ID")
    if given is None:
        return int(call.query["after"])
    if not re.fullmatch(r"\d{1,18}", given, re.ASCII):
        raise Malformed("Last-Event-ID is not the id of an event.")
    return int(given)


def _resource(event: dict[str, Any]) -> dict[str, Any]:
    return {name: event[name] for name in ("seq", "type", "data")} | {"at": moment(event["at"])}


def _written(event: dict[str, Any]) -> str:
    data = json.dumps(_resource(event), ensure_ascii=False, allow_nan=False)
    return f"id: {event['seq']}\nevent: {event['type']}\ndata: {data}\n\n"
