"""Every operation attacked over HTTP by schemathesis, from the document alone: no 5xx, nothing undocumented.

A few examples here, from one seed; `make fuzz` gives each operation 200 and all phases. No dispatcher runs beside it,
so that nothing is sent to the addresses it makes up.
"""

import dataclasses
import os
import subprocess
import threading
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from api.app import create_app

PROGRAM = Path(__file__).parents[2] / ".venv" / "fuzz" / "bin" / "schemathesis"
EXAMPLES = int(os.environ.get("FLOOR_FUZZ_EXAMPLES", "0"))
PHASES = "examples,coverage,fuzzing,stateful" if EXAMPLES else "examples,fuzzing"


@pytest.fixture
def served(settings, files):
    app = create_app(dataclasses.replace(settings, rate_burst=1_000_000, rate_minute=1_000_000_000))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
    for part in ("bell", "database"):
        getattr(app.extensions["floor"], part).close()


@pytest.mark.skipif(not PROGRAM.exists(), reason="schemathesis is not installed here: `make fuzz` does it")
# What sets the organisation's own limits is attacked by itself: with a rate of one it would answer 429 to all the rest.
@pytest.mark.parametrize("which", ["--exclude-operation-id", "--include-operation-id"])
def test_nothing_that_a_client_sends_is_a_fault_of_ours(served, org, tmp_path, which):
    command = [PROGRAM, "--config-file", Path(__file__).with_name("schemathesis.toml"), "run"]
    command += [
        f"{served}/openapi.json",
        "-H",
        f"Authorization: Bearer {org.key_text}",
        "--checks",
        "all",
        which,
        "change_quotas",
    ]
    command += ["-n", str(EXAMPLES or 10), "--seed", "1", "--phases", PHASES, "--continue-on-failure", "--no-color"]
    done = subprocess.run(
        [str(part) for part in command], cwd=tmp_path, capture_output=not EXAMPLES, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout or "")[-8000:]
