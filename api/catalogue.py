"""The catalogue of job kinds over HTTP, made from their declarations."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from api.call import Reply
from api.endpoint import Answer, Example, endpoint
from api.lists import list_of
from api.shapes import KindShape
from tasks.errors import NotFound
from tasks.params import json_schema
from tasks.registry import kinds

if TYPE_CHECKING:
    from api.call import Call

TAG: Final = "Kinds"


@endpoint(
    "GET",
    "/v1/kinds",
    tag=TAG,
    summary="List the kinds of jobs",
    permission="read",
    answers={200: Answer("Kinds in alphabetical order.", list_of(KindShape))},
)
def list_kinds(_call: Call) -> Reply:
    """List all kinds, each with the JSON Schema of its parameters and result, its artifacts and an example."""
    return Reply({"data": [described(name) for name in kinds()], "next_cursor": None})


@endpoint(
    "GET",
    "/v1/kinds/{kind}",
    tag=TAG,
    summary="Get a kind",
    permission="read",
    answers={200: Answer("The kind.", KindShape)},
    example=Example(path={"kind": "factors"}),
)
def get_kind(call: Call) -> Reply:
    """Return one kind."""
    if call.path["kind"] not in kinds():
        raise NotFound
    return Reply(described(call.path["kind"]))


@lru_cache
def described(name: str) -> dict[str, Any]:
    """Return a kind's resource; declarations do not change while a process lives."""
    kind = kinds()[name]
    return {
        "name": kind.name,
        "summary": kind.summary,
        "queue": kind.queue,
        "permission": kind.permission,
        "limits": asdict(kind.limits),
        "params": json_schema(kind.params),
        "result": json_schema(kind.result),
        "artifacts": [asdict(artifact) for artifact in kind.artifacts],
        "example": {"kind": kind.name, "params": kind.example},
    }
