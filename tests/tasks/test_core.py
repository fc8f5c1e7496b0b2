"""The core's small tables: states, permissions, errors, declarations."""

import itertools

import pytest

from tasks.errors import FloorError, Invalid, Violation, problem_types
from tasks.job import FINAL, STATES, TRANSITIONS, may_move
from tasks.kind import JobKind
from tasks.params import Params
from tasks.permissions import PERMISSIONS, ROLES, allowed

CONTRACT_SLUGS = {
    "malformed", "validation-failed", "unauthenticated", "forbidden", "not-found", "conflict", "idempotency-key-reused",
    "request-in-flight", "rate-limited", "quota-exceeded", "payload-too-large", "dataset-not-ready", "data-unusable",
    "infeasible", "unbounded", "not-converged", "job-timed-out", "job-cancelled", "worker-lost", "out-of-memory",
    "operation-unsupported", "internal",
}  # fmt: skip


def test_final_states_never_move_again():
    for state, to in itertools.product(FINAL, STATES):
        assert not may_move(state, to)


def test_every_state_has_its_line_in_the_table():
    assert set(TRANSITIONS) == set(STATES)


def test_every_slug_of_the_contract_has_a_class_with_words():
    known = problem_types()
    assert set(known) >= CONTRACT_SLUGS
    for slug, cls in known.items():
        assert cls.__doc__, slug
        assert cls.title, slug
        assert 400 <= cls.status < 600, slug


def test_a_problem_carries_its_violations_and_nothing_secret():
    problem = Invalid(None, Violation("/params/x", "is wrong")).as_problem()
    assert problem["type"] == "/problems/validation-failed"
    assert problem["errors"] == [{"pointer": "/params/x", "detail": "is wrong"}]


def test_an_error_without_words_speaks_by_its_docstring():
    assert FloorError().detail == "Something went wrong."


def test_roles_hold_what_the_contract_says():
    assert [role for role in ROLES if allowed(role, "research.run")] == ["owner", "admin", "quant", "strategist"]
    assert [role for role in ROLES if allowed(role, "orders.live")] == ["owner", "strategist"]
    assert [role for role in ROLES if allowed(role, "kill_switch.release")] == ["owner", "risk"]
    assert [role for role in ROLES if allowed(role, "compliance.run")] == ["owner", "compliance"]
    assert all(allowed(role, "read") and allowed(role, "export.run") for role in ROLES)
    assert all(allowed("owner", permission) for permission in PERMISSIONS)


def test_an_unknown_permission_is_a_programming_error():
    with pytest.raises(KeyError):
        allowed("owner", "fly")


@pytest.mark.parametrize(("field", "value"), [("queue", "express"), ("permission", "fly")])
def test_a_declaration_with_an_unknown_queue_or_permission_fails_at_import(field, value):
    good = {
        "name": "toy", "summary": "", "params": Params, "result": Params, "permission": "read", "queue": "io",
        "artifacts": (), "example": {},
    }  # fmt: skip
    with pytest.raises(ValueError, match=value):
        JobKind(**(good | {field: value}))
