import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

from infra import secrets
from infra.secrets import Owner, Vault

ROOT = Path(__file__).parents[3]
OLD, NEW = "an old key of the command's test " * 2, "a new key of the command's test " * 2


def test_stored_secrets_come_under_the_new_key(database, org, servers):
    owner = Owner(org.org_id, "webhook", "whk_1")
    with database.org(org.org_id) as connection:
        secrets.add(connection, Vault(OLD), owner, b"secret")
    keys = {"FLOOR_SECRET_KEY": NEW, "FLOOR_OLD_SECRET_KEYS": OLD}
    for count in (1, 0):
        ran = subprocess.run(
            [sys.executable, "-m", "infra.cli", "secrets", "rotate", "--json"],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=os.environ | servers.environment | keys,
            check=True,
        )
        assert json.loads(ran.stdout) == {"rotated": count}
    with database.org(org.org_id) as connection:
        (found,) = secrets.in_force(connection, Vault(NEW), owner, dt.datetime.now(dt.UTC))
    assert found.value == b"secret"
