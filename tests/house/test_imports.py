"""What a process pays for: the front door loads nothing numerical, a light job's worker no dataframe library."""

import json
import subprocess
import sys

HEAVY = ("numpy", "pandas", "scipy", "cvxpy", "reportlab", "duckdb", "exchange_calendars", "sqlalchemy", "alembic")


def loaded_after(code):
    script = f"import json, sys\n{code}\nprint(json.dumps(sorted(m for m in sys.modules if '.' not in m)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_front_door_loads_nothing_numerical():
    assert not loaded_after("import api, api.app") & set(HEAVY)


def test_the_command_line_loads_nothing_numerical():
    assert not loaded_after("import infra.cli.main") & set(HEAVY)


def test_a_declaration_loads_nothing_numerical():
    assert not loaded_after("from tasks.registry import kinds; kinds()") & set(HEAVY)


def test_factors_and_backtests_load_no_dataframe_library():
    heavy = {"pandas", "scipy", "cvxpy", "pyarrow", "matplotlib"}
    assert not loaded_after("import tasks.factors.run, tasks.backtest.run") & heavy
