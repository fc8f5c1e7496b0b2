"""A whole Floor from a copy of the source with a kind added that does nothing: what the platform itself costs."""

import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
KIND = '''"""Does nothing."""

from tasks.kind import Artifact, Column, JobKind
from tasks.params import Params, Whole


class NoopParams(Params):
    """A number that makes requests differ."""

    n = Whole(load_default=0)


class NoopResult(Params):
    """The same number."""

    n = Whole()


KIND = JobKind(
    name="noop", summary="Does nothing.", params=NoopParams, result=NoopResult, permission="research.run",
    queue="interactive", artifacts=(Artifact("one", "table", "One number.", (Column("n", "integer"),), optional=True),),
    example={"n": 1},
)
'''
RUN = '''"""Does nothing."""

from tasks.outcome import Outcome


def needs(params):
    """Return nothing."""
    return {}


def run(params, inputs, tell):
    """Return the number."""
    return Outcome(result={"n": params["n"]})
'''


@contextmanager
def floor_with_noop(**settings):
    """Start a Floor that knows the kind `noop`; yields `infra.local.Floor`."""
    folder = Path(tempfile.mkdtemp(prefix="floor-bench-"))
    for name in ("api", "tasks", "worker", "reports", "infra"):
        shutil.copytree(ROOT / name, folder / "src" / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "celeryconfig.py", folder / "src")
    noop = folder / "src" / "tasks" / "noop"
    noop.mkdir()
    (noop / "__init__.py").write_text('"""Does nothing."""\n')
    (noop / "kind.py").write_text(KIND)
    (noop / "run.py").write_text(RUN)
    sys.path.insert(0, str(folder / "src"))
    from infra import local

    plain = local._environment
    local._environment = lambda floor, url: plain(floor, url) | {"PYTHONPATH": str(folder / "src")}
    given = {name: value for name, value in os.environ.items() if name.startswith("FLOOR_")}
    given |= {"FLOOR_RATE_BURST": "1000000", "FLOOR_RATE_MINUTE": "1000000"} | settings
    try:
        with local.start(folder / "data", given) as floor:
            yield floor
    finally:
        shutil.rmtree(folder, ignore_errors=True)
