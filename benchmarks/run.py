"""Runs the benchmarks, each in a process of its own, and prints what they print."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
HELPERS = {"run.py", "loads.py", "houses.py", "bare_celery_app.py", "bare_flask_app.py"}


def main(names):
    known = {path.stem: path for path in sorted(HERE.glob("*.py")) if path.name not in HELPERS}
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"{', '.join(unknown)}: no such benchmark; there are {', '.join(known)}.", file=sys.stderr)
        return 2
    failed = []
    for name in names or known:
        print(f"\n## {name}\n", flush=True)
        if subprocess.run([sys.executable, str(known[name])], cwd=HERE.parent, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
