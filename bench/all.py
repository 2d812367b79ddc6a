"""Run every benchmark, one after another, each in a process of its own, and print one table.

python -m bench.all [NAME ...]
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from bench.figures import Figure, line

PROGRAM = Path(__file__).resolve().parent.parent
BENCHMARKS = ("engine", "startup", "pictures", "weights", "lora", "template", "sampling", "waiting", "editor")


def main() -> None:
    """Print the figures as they come; end with a status that tells whether all went through."""
    chosen = [name for name in sys.argv[1:] if name in BENCHMARKS] or BENCHMARKS
    failed = [name for name in chosen if not ran(name)]
    if failed:
        raise SystemExit(f"These did not end well: {', '.join(failed)}.")


def ran(name: str) -> bool:
    """Whether a benchmark came to its end."""
    print(f"\n{name}", flush=True)
    # Threads that wait sleep, as in the worker: see server/worker.py.
    environment = {"OMP_WAIT_POLICY": "passive", **os.environ}
    command = [sys.executable, "-m", f"bench.{name}", "--json"]
    with subprocess.Popen(
        command, cwd=PROGRAM, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for text in process.stdout:
            print(f"  {line(Figure(**json.loads(text)))}", flush=True)
    return process.returncode == 0


if __name__ == "__main__":
    main()
