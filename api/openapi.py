"""The OpenAPI 3.1 document, written from the endpoints' declarations and the schemas that validate requests."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from api.endpoint import declared
from api.job_bodies import JobBody
from api.lists import ListOf
from api.problems import MEDIA_TYPE
from api.shapes import ProblemShape, Shape
from tasks.params import Params, json_schema
from tasks.registry import kinds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.endpoint import Answer, Endpoint
    from tasks.errors import FloorError

REQUEST_ID: Final = {"X-Request-Id": {"description": "the request's id", "schema": {"type": "string"}}}
IDEMPOTENCY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The first answer under a key is replayed for 24 h; only the first request has an effect.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
DESCRIPTION: Final = (
    "A batch platform for quantitative trading. Every error is a problem (RFC 9457) whose type is a help page here."
)


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Return the whole document; declarations do not change while a process lives."""
    schemas: dict[str, Any] = {"Problem": _problem_schema()}
    paths: dict[str, Any] = {}
    for endpoint in declared():
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    _add_jobs(schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Floor", "version": version("floor"), "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(endpoint.tag for endpoint in declared())],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "an API key: floor_…"}},
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _operation(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "description": endpoint.description,
        "parameters": list(_parameters(endpoint)),
        "responses": _responses(endpoint, schemas),
    }
    if endpoint.permission is None:
        operation["security"] = []
    else:
        operation["x-permission"] = endpoint.permission
    if endpoint.body is not None:
        operation["requestBody"] = _request_body(endpoint, schemas)
    return operation


def _parameters(endpoint: Endpoint) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", endpoint.path):
        found = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        yield found | _example(endpoint.example.path.get(name))
    query = json_schema(endpoint.query)
    for name, schema in query.get("properties", {}).items():
        about = {"description": schema.pop("description", "")}
        found = {"name": name, "in": "query", "required": name in query.get("required", ()), "schema": schema}
        given = endpoint.example.query.get(name)
        yield found | about | _example(int(given) if given and schema.get("type") == "integer" else given)
    if endpoint.tag_filter:
        about = {"description": "`tag.<name>=<text>`, any number of them", "style": "form", "explode": True}
        tags = {name: text for name, text in endpoint.example.query.items() if name.startswith("tag.")}
        texts = {"type": "object", "additionalProperties": {"type": "string"}}
        yield {"name": "tags", "in": "query", "schema": texts} | about | _example(tags or None)
    for name, text in endpoint.example.headers.items():
        if name != "Accept":  # which OpenAPI describes by the answers' media types
            yield {"name": name, "in": "header", "schema": {"type": "string"}} | _example(text)
    if endpoint.method == "POST":
        yield IDEMPOTENCY


def _example(value: Any) -> dict[str, Any]:
    return {} if value is None else {"example": value}


def _request_body(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    assert endpoint.body is not None
    schema = _reference(endpoint.body, schemas, endpoint.body_name)
    content: dict[str, Any] = {"application/json": {"schema": schema} | _example(endpoint.example.body)}
    if endpoint.form is not None:
        form = json_schema(endpoint.form)
        form["properties"] = {"file": {"type": "string", "format": "binary"}, **form["properties"]}
        form["properties"].pop("filename", None)
        form["required"] = ["file"]
        content["multipart/form-data"] = {"schema": form}
    return {"required": not endpoint.body_optional, "content": content}


def _responses(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    found = {str(status): _response(answer, schemas) for status, answer in sorted(endpoint.answers.items())}
    by_status: dict[int, list[type[FloorError]]] = {}
    for problem in endpoint.problems:
        by_status.setdefault(problem.status, []).append(problem)
    for status, problems in sorted(by_status.items()):
        names = ", ".join(f"`{problem.slug}`" for problem in problems)
        schema = {"$ref": "#/components/schemas/Problem"}
        found[str(status)] = {
            "description": f"{problems[0].title}: {names}.",
            "headers": REQUEST_ID,
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
    return found


def _response(answer: Answer, schemas: dict[str, Any]) -> dict[str, Any]:
    headers = {name: {"description": text, "schema": {"type": "string"}} for name, text in answer.headers.items()}
    found: dict[str, Any] = {"description": answer.summary, "headers": headers | REQUEST_ID}
    if answer.schema is not None:
        found["content"] = {answer.media_type: {"schema": _answer_schema(answer.schema, schemas)}}
        found["content"] |= {media_type: {"schema": {"type": "string"}} for media_type in answer.also}
    return found


def _answer_schema(schema: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    if isinstance(schema, ListOf):
        rows = {"type": "array", "items": _reference(schema.of, schemas)}
        cursor = {"type": ["string", "null"], "description": "give it as `cursor` for the next page"}
        properties = {"data": rows, "next_cursor": cursor}
        return {"type": "object", "required": ["data", "next_cursor"], "properties": properties}
    return _reference(schema, schemas)


def _reference(schema: type[Params], schemas: dict[str, Any], name: str | None = None) -> dict[str, Any]:
    """Put a schema among the components under its class's name, and return what points there."""
    name = name or schema.__name__.removesuffix("Shape")
    if name not in schemas:
        schemas[name] = json_schema(schema) | {"description": (schema.__doc__ or "").strip()}
        if issubclass(schema, Shape):
            _require_all(schemas[name])
    return {"$ref": f"#/components/schemas/{name}"}


def _require_all(schema: dict[str, Any]) -> None:
    """Say of a resource that every field is always there, those of the resources inside it too."""
    if schema.get("additionalProperties") is False and schema.get("properties"):
        schema["required"] = list(schema["properties"])
    for inner in [*schema.get("properties", {}).values(), *[schema["items"] for _ in (1,) if "items" in schema]]:
        if isinstance(inner, dict):
            _require_all(inner)


def _problem_schema() -> dict[str, Any]:
    return json_schema(ProblemShape) | {"description": "RFC 9457.", "additionalProperties": True}


def _add_jobs(schemas: dict[str, Any]) -> None:
    """Say what a job's body may be: one schema per kind, told apart by `kind`."""
    for kind in kinds().values():
        title = "".join(part.capitalize() for part in kind.name.split("_"))
        schemas[f"{title}Params"] = json_schema(kind.params)
        schemas[f"{title}Result"] = json_schema(kind.result)
        envelope = json_schema(JobBody)
        envelope["properties"]["kind"] = {"const": kind.name}
        envelope["properties"]["params"] = {"$ref": f"#/components/schemas/{title}Params"}
        schemas[f"{title}Job"] = envelope | {"description": kind.summary}
    jobs = {kind: "".join(p.capitalize() for p in kind.split("_")) + "Job" for kind in kinds()}
    places = {kind: f"#/components/schemas/{name}" for kind, name in jobs.items()}
    schemas["JobRequest"] = {
        "oneOf": [{"$ref": place} for place in places.values()],
        "discriminator": {"propertyName": "kind", "mapping": places},
    }
