import datetime as dt

import pytest

from infra import secrets
from infra.secrets import Box, Owner, Vault
from tasks.errors import IntegrityFault

OLD, NEW = "old key " * 8, "new key " * 8
NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
CANARY = b"canary-c4n4ry-secret"


@pytest.fixture
def owner(org):
    return Owner(org.org_id, "webhook", "whk_1")


def kept(database, org):
    with database.org(org.org_id) as connection:
        return connection.execute("SELECT * FROM org_secrets ORDER BY version").fetchall()


def test_what_is_sealed_opens_again_and_is_nowhere_in_the_row(database, org, owner):
    with database.org(org.org_id) as connection:
        secret = secrets.add(connection, Vault(NEW), owner, CANARY)
        found = secrets.in_force(connection, Vault(NEW), owner, NOW)
    assert [one.value for one in found] == [CANARY]
    assert "canary" not in repr(secret)
    assert b"canary" not in b"".join(bytes(row["sealed"]) + bytes(row["wrapped"]) for row in kept(database, org))


def test_two_secrets_never_share_a_data_key_or_a_nonce():
    vault = Vault(NEW)
    boxes = [vault.seal("org_a", "p", "x/1", CANARY) for _ in range(50)]
    assert len({box.wrapped for box in boxes} | {box.sealed for box in boxes}) == 100


@pytest.mark.parametrize(
    ("org_id", "purpose", "secret_id"), [("org_b", "p", "x/1"), ("org_a", "q", "x/1"), ("org_a", "p", "x/2")]
)
def test_a_row_moved_to_another_place_does_not_open(org_id, purpose, secret_id):
    vault = Vault(NEW)
    box = vault.seal("org_a", "p", "x/1", CANARY)
    assert vault.open("org_a", "p", "x/1", box) == CANARY
    with pytest.raises(IntegrityFault):
        vault.open(org_id, purpose, secret_id, box)


@pytest.mark.parametrize("part", ["wrapped", "sealed"])
@pytest.mark.parametrize("place", [0, 12, -1])
def test_a_changed_byte_does_not_open(part, place):
    vault = Vault(NEW)
    box = vault.seal("org_a", "p", "x/1", CANARY)
    changed = bytearray(getattr(box, part))
    changed[place] ^= 1
    with pytest.raises(IntegrityFault):
        vault.open("org_a", "p", "x/1", Box(**{**vars(box), part: bytes(changed)}))


def test_another_installations_key_opens_nothing_and_names_nothing():
    box = Vault(OLD).seal("org_a", "p", "x/1", CANARY)
    with pytest.raises(IntegrityFault, match="FLOOR_OLD_SECRET_KEYS"):
        Vault(NEW).open("org_a", "p", "x/1", box)
    assert OLD not in box.key_id
    assert OLD.encode().hex()[:16] != box.key_id


def test_versions_are_in_force_until_they_expire_newest_first(database, org, owner):
    vault = Vault(NEW)
    with database.org(org.org_id) as connection:
        secrets.add(connection, vault, owner, b"one")
        secrets.expire(connection, owner, NOW + dt.timedelta(hours=24))
        secrets.add(connection, vault, owner, b"two")
        secrets.expire(connection, owner, NOW + dt.timedelta(hours=30))
        secrets.add(connection, vault, owner, b"three")

        def at(hours):
            found = secrets.in_force(connection, vault, owner, NOW + dt.timedelta(hours=hours))
            return [secret.value for secret in found]

        assert at(0) == [b"three", b"two", b"one"]
        assert at(25) == [b"three", b"two"]  # the later expiry did not lengthen the first's life
        assert at(31) == [b"three"]


def test_a_key_is_changed_step_by_step_and_the_old_one_dropped(database, org, owner):
    with database.org(org.org_id) as connection:
        for n in range(7):
            secrets.add(connection, Vault(OLD), Owner(org.org_id, "webhook", f"whk_{n}"), f"secret {n}".encode())
    both = Vault(NEW, [OLD])
    with database.system() as connection:
        assert secrets.rotate(connection, both, limit=3) == 3
    with database.system() as connection, connection.transaction(force_rollback=True):
        assert secrets.rotate(connection, both, limit=3) == 3  # killed half-way: this round leaves nothing
    sealed = {row["owner"]: bytes(row["sealed"]) for row in kept(database, org)}
    assert [row["key_id"] == both.key_id for row in kept(database, org)].count(True) == 3
    with database.org(org.org_id) as connection:
        assert secrets.in_force(connection, both, Owner(org.org_id, "webhook", "whk_0"), NOW)[0].value == b"secret 0"
    while True:
        with database.system() as connection:
            if not secrets.rotate(connection, both, limit=3):
                break
    with database.org(org.org_id) as connection:
        for n in range(7):
            found = secrets.in_force(connection, Vault(NEW), Owner(org.org_id, "webhook", f"whk_{n}"), NOW)
            assert [secret.value for secret in found] == [f"secret {n}".encode()]
    assert sealed == {row["owner"]: bytes(row["sealed"]) for row in kept(database, org)}


def test_a_forgotten_owner_has_no_secret(database, org, owner):
    with database.org(org.org_id) as connection:
        secrets.add(connection, Vault(NEW), owner, b"one")
        secrets.forget(connection, owner)
        assert secrets.in_force(connection, Vault(NEW), owner, NOW) == []


def test_another_organisation_sees_none(database, org, owner):
    with database.org(org.org_id) as connection:
        secrets.add(connection, Vault(NEW), owner, b"one")
    with database.org("org_other") as connection:
        assert connection.execute("SELECT * FROM org_secrets").fetchall() == []
