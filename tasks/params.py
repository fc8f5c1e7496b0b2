"""How a kind states its parameters once: types, validation, JSON Schema and documentation come from one schema.

Loaded parameters stay plain JSON values with every default filled in (dates as `YYYY-MM-DD` strings, money as decimal
strings), so that they can be stored, hashed and run again as they are. What crosses several fields is checked with
marshmallow's `validates_schema`.
"""

from __future__ import annotations

import datetime as dt
import difflib
import math
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import RAISE, Schema, ValidationError, fields, validate

from tasks.errors import Invalid, Violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_TEXT: Final = 10_000
INLINE_ROWS_MAX: Final = 20_000
UUID_HEX: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
DATASET_REF: Final = re.compile(rf"ds_{UUID_HEX}(@[1-9][0-9]{{0,8}})?")
JOB_ID: Final = re.compile(rf"job_{UUID_HEX}")
UPLOAD_ID: Final = re.compile(rf"upl_{UUID_HEX}")
ARTIFACT_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}(\.[a-z]{2,5})?")
STEP_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")
DECIMAL_TEXT: Final = re.compile(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,18})?")


class Params(Schema):
    """The base of every parameter (and result) schema: unknown fields are errors, order is kept."""

    class Meta:
        """marshmallow's settings."""

        unknown = RAISE


def shown(value: Any) -> str:
    """Return a value as it may be repeated in an error: never more than 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"  # noqa: PLR2004 - the limit is in the docstring


def bad(field: str, value: Any, mend: str) -> ValidationError:
    """Return the error to raise for one value: it shows the value and says what would be accepted."""
    return ValidationError({field: [f"{shown(value)} {mend}"]})


class Text(fields.String):
    """A string without control characters, of bounded length, optionally of one pattern."""

    def __init__(
        self, *, min_length: int = 0, max_length: int = 200, pattern: str | None = None, **kwargs: Any
    ) -> None:
        self.min_length, self.max_length, self.pattern = min_length, max_length, pattern
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError(f"{shown(value)} is not a string; write it in double quotes.")
        if not self.min_length <= len(value) <= self.max_length:
            raise ValidationError(
                f"{shown(value)} has {len(value)} characters; give {self.min_length} to {self.max_length}.",
            )
        if any(not character.isprintable() for character in value):
            raise ValidationError(f"{shown(value)} holds a control or direction character; use printable characters.")
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise ValidationError(f"{shown(value)} does not match the pattern {self.pattern}.")
        return value


class Choice(fields.String):
    """One of a closed list of strings. Choices that are named but not yet offered say so."""

    def __init__(self, choices: Iterable[str], *, not_yet: Iterable[str] = (), **kwargs: Any) -> None:
        self.choices, self.not_yet = tuple(choices), tuple(not_yet)
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> str:
        if value in self.choices and isinstance(value, str):
            return value
        offered = ", ".join(self.choices)
        if value in self.not_yet:
            raise ValidationError(f"{shown(value)} is not offered yet; use one of: {offered}.")
        raise ValidationError(f"{shown(value)} is not one of: {offered}.{_nearest(value, self.choices)}")


class Whole(fields.Integer):
    """A JSON integer within bounds; a boolean, a float or a string is not one."""

    def __init__(self, *, minimum: int | None = None, maximum: int | None = None, **kwargs: Any) -> None:
        self.minimum, self.maximum = minimum, maximum
        super().__init__(strict=True, **kwargs)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValidationError(f"{shown(value)} is not a whole number.")
        _check_bounds(value, self.minimum, self.maximum)
        return value


class Number(fields.Float):
    """A finite JSON number within bounds; a boolean or a string is not one."""

    def __init__(
        self,
        *,
        minimum: float | None = None,
        maximum: float | None = None,
        above: float | None = None,
        **kwargs: Any,
    ) -> None:
        self.minimum, self.maximum, self.above = minimum, maximum, above
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValidationError(f"{shown(value)} is not a number.")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise ValidationError(f"{shown(value)} is not a finite number.")
        if self.above is not None and number <= self.above:
            raise ValidationError(f"{shown(value)} is too small; give more than {self.above:g}.")
        _check_bounds(number, self.minimum, self.maximum)
        return number + 0.0  # -0.0 becomes 0.0: one value, one digest


class Flag(fields.Boolean):
    """`true` or `false`, nothing that merely looks like it."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError(f"{shown(value)} is not true or false.")
        return value


class Day(fields.String):
    """A calendar date, `YYYY-MM-DD`, between 1900 and 2199; loaded as the same string."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> str:
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
            try:
                day = dt.date.fromisoformat(value)
            except ValueError:
                raise ValidationError(f"{shown(value)} is not a day of the calendar.") from None
            if 1900 <= day.year < 2200:  # noqa: PLR2004 - the limits are in the docstring
                return value
        raise ValidationError(f"{shown(value)} is not a date; write YYYY-MM-DD, between 1900 and 2199.")


class Money(fields.String):
    """An exact decimal number written as a string, e.g. `"1000000.00"`; loaded as the same string."""

    def __init__(self, *, above: str | None = None, minimum: str | None = None, **kwargs: Any) -> None:
        self.above, self.minimum = above, minimum
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> str:
        if not isinstance(value, str) or not DECIMAL_TEXT.fullmatch(value):
            raise ValidationError(
                f'{shown(value)} is not a decimal string; write digits in double quotes, such as "1000000.00".',
            )
        try:
            number = Decimal(value)
        except InvalidOperation:  # pragma: no cover - the pattern admits only what Decimal reads
            raise ValidationError(f"{shown(value)} is not a decimal string.") from None
        if self.above is not None and number <= Decimal(self.above):
            raise ValidationError(f"{shown(value)} is too small; give more than {self.above}.")
        if self.minimum is not None and number < Decimal(self.minimum):
            raise ValidationError(f"{shown(value)} is too small; give {self.minimum} or more.")
        return value


class TableRef(fields.Field[Any]):
    """A table input: a dataset, a job's artifact, a pipeline step's artifact, or a small inline table."""

    SCHEMA: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {
                "type": "string",
                "pattern": f"^{DATASET_REF.pattern}$",
                "description": "a dataset, optionally one version of it",
            },
            {
                "type": "object",
                "required": ["job", "artifact"],
                "additionalProperties": False,
                "properties": {
                    "job": {"type": "string", "pattern": f"^{JOB_ID.pattern}$"},
                    "artifact": {"type": "string", "pattern": f"^{ARTIFACT_NAME.pattern}$"},
                },
            },
            {
                "type": "object",
                "required": ["step", "artifact"],
                "additionalProperties": False,
                "properties": {
                    "step": {"type": "string", "pattern": f"^{STEP_NAME.pattern}$"},
                    "artifact": {"type": "string", "pattern": f"^{ARTIFACT_NAME.pattern}$"},
                },
            },
            {
                "type": "object",
                "required": ["columns", "rows"],
                "additionalProperties": False,
                "properties": {
                    "columns": {"type": "array", "minItems": 1, "maxItems": 200, "items": {"type": "string"}},
                    "rows": {
                        "type": "array",
                        "maxItems": INLINE_ROWS_MAX,
                        "items": {"type": "array", "items": {"type": ["string", "number", "boolean", "null"]}},
                    },
                },
            },
        ],
    }

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        if isinstance(value, str):
            _match(value, DATASET_REF, 'a dataset such as "ds_0197…" or "ds_0197…@3"')
        elif isinstance(value, dict) and set(value) == {"job", "artifact"}:
            _match(value["job"], JOB_ID, 'a job id such as "job_0197…"', "job")
            _match(value["artifact"], ARTIFACT_NAME, "an artifact's name", "artifact")
        elif isinstance(value, dict) and set(value) == {"step", "artifact"}:
            _match(value["step"], STEP_NAME, "a step's name", "step")
            _match(value["artifact"], ARTIFACT_NAME, "an artifact's name", "artifact")
        elif isinstance(value, dict) and set(value) == {"columns", "rows"}:
            _check_inline(value)
        else:
            raise ValidationError(
                f'{shown(value)} is not a table; give "ds_…", {{"job": "job_…", "artifact": "…"}}, '
                '{"step": "…", "artifact": "…"} or {"columns": […], "rows": [[…]]}.',
            )
        return value


class TextOrTable(TableRef):
    """A short name (a symbol, say) or a table input."""

    @staticmethod
    def is_table(value: Any) -> bool:
        """Say whether a loaded value is a table input and not a name."""
        return not isinstance(value, str) or DATASET_REF.fullmatch(value) is not None

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return (
            super()._deserialize(value, *args, **kwargs)
            if self.is_table(value)
            else Text(min_length=1).deserialize(value)
        )


class JobRef(fields.String):
    """The id of a job of the same organisation, or the name of a step of the same pipeline."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        if isinstance(value, dict) and set(value) == {"step"}:
            _match(value["step"], STEP_NAME, "a step's name", "step")
            return value
        _match(value, JOB_ID, 'a job id such as "job_0197…" (or {"step": "…"} inside a pipeline)')
        return value


class UploadRef(fields.String):
    """The id of a completed upload of the same organisation."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> str:
        _match(value, UPLOAD_ID, 'an upload id such as "upl_0197…"')
        return str(value)


def section(schema: type[Params], **kwargs: Any) -> fields.Nested:
    """Return a nested object; left out, its own defaults are filled in (unless it is required or has a default)."""
    if not kwargs.get("required") and "load_default" not in kwargs:
        kwargs["load_default"] = lambda: schema().load({})
    return fields.Nested(schema, **kwargs)


def check(schema: type[Params], raw: Any, pointer: str = "/params") -> dict[str, Any]:
    """Validate raw JSON against a schema and return it with defaults filled; raises Invalid with every violation."""
    if not isinstance(raw, dict):
        raise Invalid(None, Violation(pointer, f"{shown(raw)} is not an object; write {{…}}."))
    instance = schema()
    try:
        loaded: dict[str, Any] = instance.load(raw)
    except ValidationError as error:
        violations = sorted(_violations(_messages(error), pointer, instance), key=lambda v: v.pointer)
        raise Invalid(None, *violations) from None
    return loaded


@dataclass(frozen=True)
class Reference:
    """A place in loaded parameters that points at something stored: where, what kind of thing, and the value."""

    pointer: str
    to: Literal["dataset", "artifact", "step", "upload", "job"]
    value: Any


def references(schema: type[Schema], loaded: Mapping[str, Any], pointer: str = "/params") -> list[Reference]:
    """Return every dataset, artifact, step, upload and job that loaded parameters refer to, in the schema's order."""
    found: list[Reference] = []
    for name, declared in schema().fields.items():
        found.extend(_references_of(declared, loaded.get(name), f"{pointer}/{name}"))
    return found


def _references_of(declared: Any, value: Any, pointer: str) -> list[Reference]:
    if value is None:
        return []
    if isinstance(declared, fields.Nested):
        return references(type(declared.schema), value, pointer)
    if isinstance(declared, fields.List):
        return [ref for i, item in enumerate(value) for ref in _references_of(declared.inner, item, f"{pointer}/{i}")]
    if isinstance(declared, fields.Dict):
        inner = declared.value_field
        return [ref for key, item in value.items() for ref in _references_of(inner, item, f"{pointer}/{key}")]
    to = _target(declared, value)
    return [Reference(pointer, to, value)] if to else []


def _target(declared: Any, value: Any) -> Literal["dataset", "artifact", "step", "upload", "job"] | None:
    """Say what kind of thing a field's value refers to, if to anything."""
    if isinstance(declared, UploadRef):
        return "upload"
    if isinstance(declared, JobRef):
        return "step" if isinstance(value, dict) else "job"
    if isinstance(declared, TableRef) and isinstance(value, str):
        return "dataset" if DATASET_REF.fullmatch(value) else None
    if isinstance(declared, TableRef):
        return "step" if "step" in value else "artifact" if "job" in value else None
    return None


def json_schema(schema: type[Schema]) -> dict[str, Any]:
    """Return the JSON Schema (2020-12, as OpenAPI 3.1 has it) of a schema, whole, nested ones written in place."""
    plugin: Any = MarshmallowPlugin(schema_name_resolver=_in_place)
    APISpec(title="", version="", openapi_version="3.1.0", plugins=[plugin])
    plugin.converter.add_attribute_function(_describe)
    built: dict[str, Any] = plugin.converter.schema2jsonschema(schema())
    return built


def _messages(error: Any) -> Any:
    return error.normalized_messages()


def _in_place(_schema: Any) -> Any:
    """Tell apispec to write every nested schema where it stands: no name, so no $ref."""
    return None


def _describe(_converter: Any, field: fields.Field[Any], ret: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """Write our own fields' limits into JSON Schema, where apispec can't know them."""
    extra = _facets(field)
    if field.allow_none and extra.get("enum"):
        extra["enum"] = [*extra["enum"], None]
    if field.allow_none and isinstance(extra.get("type"), str):
        extra["type"] = [extra["type"], "null"]
    if field.allow_none and "anyOf" in extra:
        extra["anyOf"] = [*extra["anyOf"], {"type": "null"}]
        ret.pop("type", None)
    return extra


def _facets(field: fields.Field[Any]) -> dict[str, Any]:
    """Return what a field's own class limits, as JSON Schema keywords."""
    match field:
        case TextOrTable():
            return {"anyOf": [{"type": "string", "maxLength": 200}, *TableRef.SCHEMA["anyOf"][1:]]}
        case TableRef():
            return dict(field.SCHEMA)
        case Text():
            pattern = {"pattern": f"^{field.pattern}$"} if field.pattern else {}
            return {"type": "string", "minLength": field.min_length, "maxLength": field.max_length, **pattern}
        case Choice():
            return {"type": "string", "enum": list(field.choices)}
        case Whole() | Number():
            above = getattr(field, "above", None)
            bounds = {"minimum": field.minimum, "maximum": field.maximum, "exclusiveMinimum": above}
            return {name: limit for name, limit in bounds.items() if limit is not None}
        case _:
            return next((dict(facets) for cls, facets in _FIXED_FACETS.items() if isinstance(field, cls)), {})


_FIXED_FACETS: Final[dict[type, dict[str, Any]]] = {
    Day: {"type": "string", "format": "date"},
    Money: {"type": "string", "format": "decimal", "pattern": f"^{DECIMAL_TEXT.pattern}$"},
    UploadRef: {"type": "string", "pattern": f"^{UPLOAD_ID.pattern}$"},
    JobRef: {"type": "string", "pattern": f"^{JOB_ID.pattern}$"},
}


def _check_bounds(number: float, minimum: float | None, maximum: float | None) -> None:
    if minimum is not None and number < minimum:
        raise ValidationError(f"{shown(number)} is too small; give {minimum:g} or more.")
    if maximum is not None and number > maximum:
        raise ValidationError(f"{shown(number)} is too large; give {maximum:g} or less.")


def _match(value: Any, pattern: re.Pattern[str], what: str, key: str | None = None) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        message = f"{shown(value)} is not {what}."
        raise ValidationError({key: [message]} if key else message)


def _check_inline(table: Mapping[str, Any]) -> None:
    columns, rows = table["columns"], table["rows"]
    if not isinstance(columns, list) or not columns or not all(isinstance(c, str) and c for c in columns):
        raise bad("columns", columns, "is not a list of column names.")
    if len(set(columns)) != len(columns):
        raise bad("columns", columns, "names a column twice; every column needs a name of its own.")
    if not isinstance(rows, list) or len(rows) > INLINE_ROWS_MAX:
        raise bad("rows", rows, f"is not a list of at most {INLINE_ROWS_MAX} rows; upload larger tables as a dataset.")
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(columns):
            raise ValidationError({"rows": {number: [f"{shown(row)} is not a list of {len(columns)} values."]}})
        for cell in row:
            if not isinstance(cell, str | int | float | bool | None):
                raise ValidationError({"rows": {number: [f"{shown(cell)} is not a string, number, boolean or null."]}})


def _nearest(value: Any, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(value), list(names), n=1) if isinstance(value, str) else []
    return f" Did you mean {close[0]!r}?" if close else ""


def _violations(messages: Any, pointer: str, schema: Any) -> list[Violation]:
    """Flatten marshmallow's nested messages into JSON pointers, naming the nearest known field for an unknown one."""
    if isinstance(messages, list):
        return [Violation(pointer, str(message)) for message in messages]
    found: list[Violation] = []
    for key, inner in messages.items():
        inside_map = isinstance(schema, fields.Dict) and key in {"key", "value"}
        here = (
            pointer if key == "_schema" or inside_map else f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"
        )
        known = schema.fields if isinstance(schema, Schema) else {}
        within = schema.value_field if inside_map and key == "value" else known.get(key, schema)
        if inner == ["Unknown field."]:
            offered = f" Known fields: {', '.join(sorted(known))}." if known else ""
            found.append(Violation(here, f"{shown(key)} is not a field here.{_nearest(key, known) or offered}"))
        elif inner == ["Missing data for required field."]:
            found.append(Violation(here, "is missing; it is required."))
        elif inner == ["Field may not be null."]:
            found.append(Violation(here, "null is not accepted here; give a value or leave the field out."))
        else:
            found.extend(_violations(inner, here, _inside(within)))
    return found


def _inside(field: Any) -> Any:
    """Return the schema that a field's inner messages speak of, if it has one."""
    if isinstance(field, fields.Nested):
        return field.schema
    if isinstance(field, fields.List):
        return _inside(field.inner)
    return field


__all__ = [
    "Choice",
    "Day",
    "Flag",
    "JobRef",
    "Money",
    "Number",
    "Params",
    "Reference",
    "TableRef",
    "Text",
    "TextOrTable",
    "UploadRef",
    "Whole",
    "bad",
    "check",
    "fields",
    "json_schema",
    "references",
    "section",
    "shown",
    "validate",
]
