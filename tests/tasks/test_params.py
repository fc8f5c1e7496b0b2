"""Parameters: each field refuses what only looks right, and says where, what and how to mend it."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import Invalid
from tasks.params import (
    Choice,
    Day,
    Flag,
    JobRef,
    Money,
    Number,
    Params,
    TableRef,
    Text,
    TextOrTable,
    UploadRef,
    Whole,
    check,
    fields,
    json_schema,
    references,
    section,
)

UUID = "01970000-0000-7000-8000-000000000000"
JOB, DATASET, UPLOAD = f"job_{UUID}", f"ds_{UUID}", f"upl_{UUID}"


class Inner(Params):
    window = Whole(minimum=1, maximum=500, load_default=21)
    prices = TableRef(load_default=None, allow_none=True)


class Everything(Params):
    name = Text(max_length=10)
    side = Choice(["long", "short"], not_yet=["flat"])
    count = Whole(minimum=0)
    rate = Number(minimum=-1, maximum=1)
    positive = Number(above=0)
    deep = Flag()
    start = Day()
    capital = Money(above="0")
    table = TableRef()
    benchmark = TextOrTable()
    job = JobRef()
    upload = UploadRef()
    inner = section(Inner)
    many = fields.List(fields.Nested(Inner))
    by_symbol = fields.Dict(keys=Text(), values=Number())


def violations(**raw):
    with pytest.raises(Invalid) as caught:
        check(Everything, raw)
    return {violation.pointer: violation.detail for violation in caught.value.violations}


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", 3, "not a string"),
        ("name", "x" * 11, "11 characters"),
        ("name", "a\u0000", "control"),
        ("name", "a\u202eb", "control"),
        ("name", "\ud800", "control"),
        ("side", "flat", "not offered yet"),
        ("side", "lon", "Did you mean 'long'"),
        ("side", ["long"], "not one of"),
        ("count", True, "not a whole number"),
        ("count", 10.0, "not a whole number"),
        ("count", "10", "not a whole number"),
        ("count", -1, "0 or more"),
        ("rate", "0.1", "not a number"),
        ("rate", False, "not a number"),
        ("rate", float("nan"), "finite"),
        ("rate", float("inf"), "finite"),
        ("rate", 10**400, "finite"),
        ("rate", 1.5, "1 or less"),
        ("positive", 0, "more than 0"),
        ("deep", "true", "not true or false"),
        ("deep", 1, "not true or false"),
        ("start", "2024-02-30", "not a day of the calendar"),
        ("start", "2024-W01-1", "YYYY-MM-DD"),
        ("start", "20240101", "YYYY-MM-DD"),
        ("start", "0001-01-01", "between 1900 and 2199"),
        ("start", "２０２４-01-01", "YYYY-MM-DD"),
        ("start", 1704067200, "YYYY-MM-DD"),
        ("capital", 1000000, "decimal string"),
        ("capital", "1e6", "decimal string"),
        ("capital", "NaN", "decimal string"),
        ("capital", "-5", "more than 0"),
        ("capital", "1_000", "decimal string"),
        ("capital", "１００", "decimal string"),
        ("table", "prices", "not a dataset"),
        ("table", f"{DATASET}@0", "not a dataset"),
        ("table", {"job": JOB}, "not a table"),
        ("table", {"job": "x", "artifact": "scores"}, "not a job id"),
        ("table", {"job": JOB, "artifact": "../x"}, "not an artifact's name"),
        ("table", {"columns": ["a", "a"], "rows": []}, "twice"),
        ("table", {"columns": ["a"], "rows": [[1, 2]]}, "1 values"),
        ("table", {"columns": ["a"], "rows": [[{}]]}, "not a string, number"),
        ("job", DATASET, "not a job id"),
        ("upload", JOB, "not an upload id"),
        ("inner", {"window": 0}, "1 or more"),
        ("inner", {"windw": 5}, "Did you mean 'window'"),
        ("inner", 5, "Invalid input type"),
        ("many", [{"window": 501}], "500 or less"),
        ("by_symbol", {"A": "x"}, "not a number"),
        ("surprise", 1, "not a field here"),
        ("name", None, "null is not accepted"),
    ],
)
def test_a_bad_value_is_named_with_its_mend(field, value, says):
    found = violations(**{field: value})
    assert len(found) == 1
    ((pointer, detail),) = found.items()
    assert pointer.startswith(f"/params/{field}")
    assert says in detail


def test_all_violations_come_at_once_with_their_pointers():
    found = violations(count=-1, inner={"window": 0, "nope": 1}, many=[{}, {"window": 0}])
    assert set(found) == {"/params/count", "/params/inner/window", "/params/inner/nope", "/params/many/1/window"}


def test_pointers_escape_slashes_and_tildes():
    assert set(violations(by_symbol={"BRK/B~": "x"})) == {"/params/by_symbol/BRK~1B~0"}


def test_a_long_value_is_not_echoed():
    (detail,) = violations(side="x" * 5000).values()
    assert len(detail) < 200


def test_what_is_not_an_object_is_refused():
    with pytest.raises(Invalid, match="can't be accepted") as caught:
        check(Everything, [1])
    assert caught.value.violations[0].pointer == "/params"


def test_defaults_are_filled_in_also_in_sections():
    assert check(Everything, {}) == {"inner": {"window": 21, "prices": None}}


def test_negative_zero_becomes_zero_so_that_equal_requests_have_equal_digests():
    assert str(check(Everything, {"rate": -0.0})["rate"]) == "0.0"


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists))
def test_no_json_value_breaks_a_field(value):
    for field in Everything().fields:
        with contextlib.suppress(Invalid):  # anything else that escapes is a crash
            check(Everything, {field: value})


def test_references_are_found_wherever_they_stand():
    loaded = check(
        Everything,
        {
            "table": f"{DATASET}@3",
            "benchmark": "SPY",
            "job": JOB,
            "upload": UPLOAD,
            "inner": {"prices": {"step": "a", "artifact": "data"}},
            "many": [{}, {"prices": {"job": JOB, "artifact": "scores"}}, {"prices": {"columns": ["a"], "rows": []}}],
        },
    )
    assert [(ref.pointer, ref.to) for ref in references(Everything, loaded)] == [
        ("/params/table", "dataset"),
        ("/params/job", "job"),
        ("/params/upload", "upload"),
        ("/params/inner/prices", "step"),
        ("/params/many/1/prices", "artifact"),
    ]


def test_a_symbol_and_a_dataset_are_told_apart():
    assert references(Everything, check(Everything, {"benchmark": DATASET}))[0].to == "dataset"


def test_the_json_schema_says_what_the_fields_enforce():
    properties = json_schema(Everything)["properties"]
    assert properties["side"]["enum"] == ["long", "short"]
    assert properties["count"]["minimum"] == 0
    assert properties["positive"]["exclusiveMinimum"] == 0
    assert properties["start"]["format"] == "date"
    assert properties["inner"]["properties"]["window"] == {
        "type": "integer",
        "default": 21,
        "minimum": 1,
        "maximum": 500,
    }
    assert {"type": "null"} in properties["inner"]["properties"]["prices"]["anyOf"]
    assert json_schema(Everything)["additionalProperties"] is False
