from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag

from infra import idempotency
from infra.idempotency import Kept
from infra.orgs import create_org
from tasks.errors import IdempotencyKeyReused, Malformed, RequestInFlight

FIRST = Kept(202, {"Location": "/v1/jobs/x"}, '{"b": 1, "a": 2.0}')


def keep(database, org, key="k", print_="p", kept=FIRST):
    with database.org(org.org_id) as connection:
        assert idempotency.begin(connection, org.org_id, key, print_) is None
        idempotency.keep(connection, org.org_id, key, print_, kept)


def begin(database, org, key="k", print_="p"):
    with database.org(org.org_id) as connection:
        return idempotency.begin(connection, org.org_id, key, print_)


def test_the_first_answer_comes_back_byte_for_byte(database, org):
    keep(database, org)
    assert begin(database, org) == FIRST


def test_another_request_under_the_same_key_is_refused(database, org):
    keep(database, org)
    with pytest.raises(IdempotencyKeyReused):
        begin(database, org, print_="other")


def test_while_the_first_is_in_flight_others_are_told_so(database, org):
    with database.org(org.org_id) as connection:
        assert idempotency.begin(connection, org.org_id, "k", "p") is None
        with pytest.raises(RequestInFlight):
            begin(database, org)
        assert begin(database, org, key="other") is None
    assert begin(database, org) is None


def test_what_was_rolled_back_is_not_kept(database, org):
    with database.org(org.org_id) as connection, connection.transaction(force_rollback=True):
        idempotency.begin(connection, org.org_id, "k", "p")
        idempotency.keep(connection, org.org_id, "k", "p", FIRST)
    assert begin(database, org) is None


def test_a_key_is_new_again_after_a_day(database, org):
    keep(database, org)
    with database.org(org.org_id) as connection:
        connection.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    second = Kept(200, {}, "{}")
    keep(database, org, print_="other", kept=second)
    assert begin(database, org, print_="other") == second


def test_only_answers_older_than_a_day_are_pruned(database, org):
    keep(database, org, key="old")
    with database.org(org.org_id) as connection:
        connection.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    keep(database, org, key="new")
    with database.system() as connection:
        assert idempotency.prune(connection) >= 1
    with database.org(org.org_id) as connection:
        assert connection.execute("SELECT key FROM idempotency_keys").fetchall() == [{"key": "new"}]


def test_two_organisations_keys_do_not_meet(database, org):
    other = create_org(database, "other")
    with database.org(org.org_id) as connection:
        idempotency.begin(connection, org.org_id, "k", "p")
        assert begin(database, other) is None


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("abc", "abc"),
        ('"abc"', "abc"),
        (" x ", "x"),
        (r'"a\"b\\c"', 'a"b\\c'),
        ('"a, b"', "a, b"),
        ("x" * 255, "x" * 255),
    ],
)
def test_a_key_is_read_quoted_or_bare(header, key):
    assert idempotency.read_header(header) == key


@pytest.mark.parametrize("header", ["", '""', "x" * 256, "a b", "a,b", '"a', "a\x00", "é", '"é"', '"a"b'])
def test_what_is_no_key_is_malformed(header):
    with pytest.raises(Malformed):
        idempotency.read_header(header)


def test_the_fingerprint_sees_content_and_not_its_writing():
    same = idempotency.fingerprint("POST", "/v1/jobs", {"a": 1, "b": 2})
    assert idempotency.fingerprint("POST", "/v1/jobs", {"b": 2, "a": 1}) == same
    for other in [("PUT", "/v1/jobs", {"a": 1, "b": 2}), ("POST", "/v1/x", {"a": 1, "b": 2}), ("POST", "/v1/jobs", {})]:
        assert idempotency.fingerprint(*other) != same


def test_a_sealed_body_opens_with_its_key_only():
    sealed = idempotency.seal("secret text", "k" * 32)
    assert "secret" not in sealed
    assert idempotency.unseal(sealed, "k" * 32) == "secret text"
    assert idempotency.seal("secret text", "k" * 32) != sealed
    with pytest.raises(InvalidTag):
        idempotency.unseal(sealed, "x" * 32)
