"""Adding a job kind is adding one folder: nothing else is edited, and it is everywhere."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

KIND = '''
"""Counts to a number."""
from tasks.kind import Artifact, Column, JobKind
from tasks.params import Params, Whole


class ToyParams(Params):
    """How far to count."""
    to = Whole(required=True, minimum=1, maximum=1000)


class ToyResult(Params):
    """How far it came."""
    counted = Whole()


KIND = JobKind(
    name="toy", summary="Counts to a number.", params=ToyParams, result=ToyResult, permission="research.run",
    queue="interactive", artifacts=(Artifact("numbers", "table", "The numbers.", (Column("n", "integer"),)),),
    example={"to": 3},
)
'''
RUN = '''
"""Counts."""
import numpy as np
from tasks.outcome import Outcome, Table


def needs(params):
    """Return nothing: counting needs no input."""
    return {}


def run(params, inputs, tell):
    """Count."""
    return Outcome(result={"counted": params["to"]}, tables=(Table("numbers", {"n": np.arange(params["to"])}),))
'''
ENVIRONMENT = {
    "FLOOR_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "FLOOR_REDIS_URL": "redis://127.0.0.1:1/0",
    "FLOOR_S3_ENDPOINT": "http://127.0.0.1:1",
    "FLOOR_S3_ACCESS_KEY": "a",
    "FLOOR_S3_SECRET_KEY": "b",
    "FLOOR_SECRET_KEY": "c" * 40,
}
LOOK = """
import json
from tasks.registry import kinds
from infra import settings
from api.app import create_app
from worker.celery_app import app as celery
client = create_app(settings.read()).test_client()
document = client.get("/openapi.json").get_json()
print(json.dumps({
    "registry": sorted(kinds()),
    "celery": sorted(name for name in celery.tasks if name.startswith("floor.")),
    "openapi": json.dumps(document),
}))
"""


@pytest.fixture
def house_with_toy(tmp_path):
    for name in ("api", "tasks", "worker", "reports", "infra"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "celeryconfig.py", tmp_path)
    toy = tmp_path / "tasks" / "toy"
    toy.mkdir()
    (toy / "__init__.py").write_text('"""A toy."""\n')
    (toy / "kind.py").write_text(KIND)
    (toy / "run.py").write_text(RUN)
    return tmp_path


def python(folder, *arguments):
    environment = os.environ | ENVIRONMENT | {"PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_new_folder_is_a_new_kind_everywhere(house_with_toy):
    found = json.loads(python(house_with_toy, "-c", LOOK))
    assert "toy" in found["registry"]
    assert "floor.toy" in found["celery"]
    assert "Counts to a number." in found["openapi"]
    listed = json.loads(python(house_with_toy, "-m", "infra.cli", "kinds", "--json"))
    assert "toy" in {kind["kind"] for kind in listed}


def test_a_folder_whose_kind_has_another_name_is_refused(house_with_toy):
    (house_with_toy / "tasks" / "toy").rename(house_with_toy / "tasks" / "game")
    done = subprocess.run(
        [sys.executable, "-c", "from tasks.registry import kinds; kinds()"],
        cwd=house_with_toy,
        env=os.environ | {"PYTHONPATH": str(house_with_toy)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "make the names agree" in done.stderr
