from __future__ import annotations

import datetime as dt
import statistics
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import keys
from infra.keys import Caller
from tasks.errors import Conflict, Forbidden, Unauthenticated
from tasks.permissions import PERMISSIONS, ROLES


@pytest.fixture
def make(database, org):
    def key(role="quant", **rest):
        with database.org(org.org_id) as connection:
            return keys.create(connection, org.org_id, "k", role, **rest)

    return key


def test_a_key_stands_for_its_organisation_role_and_name(database, org, make):
    made = make("risk")
    assert keys.authenticate(database, made.text) == Caller(org.org_id, made.row["id"], "risk", "k")


def test_nothing_stored_gives_the_secret_away(database, org, make):
    made = make()
    with database.org(org.org_id) as connection:
        rows = connection.execute("SELECT t::text AS whole FROM api_keys t").fetchall()
    secret = made.text.rsplit("_", 1)[1]
    assert all(secret[:20] not in row["whole"] for row in rows)
    assert "secret_hash" not in made.row
    assert secret.encode().hex() not in str(rows)


def test_a_secret_has_256_bits_and_no_two_keys_are_alike(make):
    texts = {make().text for _ in range(20)}
    assert len(texts) == 20
    secret = next(iter(texts)).rsplit("_", 1)[1][: keys.SECRET_LENGTH]
    assert len(keys.ALPHABET) ** len(secret) >= 2**256


@given(place=st.integers(6, 72), letter=st.sampled_from(keys.ALPHABET))
def test_every_single_typing_mistake_is_recognised_offline(place, letter):
    text = "floor_0000000000000000a_" + "b" * keys.SECRET_LENGTH
    text += keys._checksum("0000000000000000a", "b" * keys.SECRET_LENGTH)
    assert keys.parse(text)
    place = min(place, len(text) - 1)
    mistyped = text[:place] + letter + text[place + 1 :]
    if mistyped == text or text[place] == "_":
        return
    with pytest.raises(Unauthenticated, match="mistyped"):
        keys.parse(mistyped)


@pytest.mark.parametrize("text", ["", "floor_", "x" * 73, "floor_a_b", "floor_" + "é" * 67, "\x00"])
def test_what_is_no_key_is_refused(text):
    with pytest.raises(Unauthenticated):
        keys.parse(text)


def test_unknown_expired_and_revoked_keys_are_told_apart_by_nobody(database, org, make, monkeypatch):
    monkeypatch.setattr(keys, "CACHE_S", 0.0)
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    expired, revoked = make(expires_at=past).text, make()
    with database.org(org.org_id) as connection:
        keys.revoke(connection, revoked.row["id"])
    secret = "c" * keys.SECRET_LENGTH
    unknown = f"floor_{'0' * keys.PUBLIC_LENGTH}_{secret}{keys._checksum('0' * keys.PUBLIC_LENGTH, secret)}"
    public = revoked.text.split("_")[1]
    wrong = f"floor_{public}_{secret}{keys._checksum(public, secret)}"
    told = set()
    for text in (expired, revoked.text, unknown, wrong):
        with pytest.raises(Unauthenticated) as refused:
            keys.authenticate(database, text)
        told.add(refused.value.detail)
    assert len(told) == 1


def test_a_known_key_is_answered_from_memory_but_only_for_a_while(database, org, make):
    assert 0 < keys.CACHE_S < 5
    made = make()
    keys.authenticate(database, made.text)
    with database.org(org.org_id) as connection:
        keys.revoke(connection, made.row["id"])
    assert keys.authenticate(database, made.text)
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            keys.authenticate(database, made.text)
        except Unauthenticated:
            return
        time.sleep(0.1)
    pytest.fail("a revoked key was still taken after five seconds")


def test_a_key_that_expires_while_it_is_remembered_is_refused(database, make):
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=0.5)
    text = make(expires_at=soon).text
    keys.authenticate(database, text)
    until = time.monotonic() + 3
    while dt.datetime.now(dt.UTC) <= soon:
        assert time.monotonic() < until
        time.sleep(0.05)
    with pytest.raises(Unauthenticated):
        keys.authenticate(database, text)


def test_the_last_use_is_written_down(database, org, make):
    made = make()
    keys.authenticate(database, made.text)
    with database.org(org.org_id) as connection:
        assert keys.get(connection, made.row["id"])["last_used_at"] is not None


def test_the_last_owner_key_can_not_be_revoked(database, org, make):
    with database.org(org.org_id) as connection:
        (owner,) = keys.list_(connection)
    with pytest.raises(Conflict), database.org(org.org_id) as connection:
        keys.revoke(connection, owner["id"])
    make("owner", expires_at=dt.datetime.now(dt.UTC) - dt.timedelta(days=1))
    with pytest.raises(Conflict), database.org(org.org_id) as connection:
        keys.revoke(connection, owner["id"])
    make("owner")
    with database.org(org.org_id) as connection:
        assert keys.revoke(connection, owner["id"])["revoked_at"] is not None


@pytest.mark.parametrize("maker", ROLES)
@pytest.mark.parametrize("role", ROLES)
def test_a_role_grants_only_what_it_holds(maker, role):
    caller = Caller("org", "key", maker, "n")
    more = [name for name, roles in PERMISSIONS.items() if role in roles and maker not in roles]
    if not more:
        keys.require_grant(caller, role)
        return
    with pytest.raises(Forbidden) as refused:
        keys.require_grant(caller, role)
    assert refused.value.extra["permission"] in more


def test_a_lack_of_permission_names_it_and_who_has_it():
    with pytest.raises(Forbidden, match=r"'viewer' lacks the permission 'research.run'.*quant"):
        Caller("org", "key", "viewer", "n").require("research.run")


def test_a_wrong_secret_takes_as_long_as_an_unknown_key(database, make, monkeypatch):
    monkeypatch.setattr(keys, "CACHE_S", 0.0)
    secret = "c" * keys.SECRET_LENGTH

    def timed(public):
        text = f"floor_{public}_{secret}{keys._checksum(public, secret)}"
        started = time.perf_counter()
        with pytest.raises(Unauthenticated):
            keys.authenticate(database, text)
        return time.perf_counter() - started

    known = make().text.split("_")[1]
    pairs = [(timed(known), timed("0" * keys.PUBLIC_LENGTH)) for _ in range(200)]
    right, wrong = statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)
    assert abs(right - wrong) < max(0.001, 0.2 * wrong)  # a busy machine's own noise grows with what it measures
