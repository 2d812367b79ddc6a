"""Seconds from the start of the program until it answers, and until its worker is ready: best of three.

python bench/startup.py
"""

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent.parent
ROUNDS = 3
PATIENCE_SECONDS = 120.0


def once() -> tuple[float, float]:
    """Seconds to the first answer of /v1/system, and until it says that the worker is ready."""
    with tempfile.TemporaryDirectory() as folder:
        places = [f"--{name}={folder}/{name}" for name in ("data", "input", "output")]
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "server", "serve", "--port=0", *places],
            cwd=PROGRAM,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stderr is not None
            line = next(line for line in process.stderr if "http://" in line)
            address = line.split()[-1]
            worker(address)
            answered = time.monotonic() - began
            while worker(address) != "ready" and time.monotonic() - began < PATIENCE_SECONDS:
                time.sleep(0.05)
            return answered, time.monotonic() - began
        finally:
            process.terminate()
            process.wait()


def worker(address: str) -> str:
    """The state of the worker."""
    with urllib.request.urlopen(address + "/v1/system", timeout=10) as answer:
        state: str = json.load(answer)["worker"]
    return state


def main() -> None:
    """Print the figures as JSON."""
    rounds = [once() for _ in range(ROUNDS)]
    best = {
        "answers_seconds": min(first for first, _ in rounds),
        "ready_seconds": min(last for _, last in rounds),
    }
    print(json.dumps({name: round(seconds, 2) for name, seconds in best.items()}))


if __name__ == "__main__":
    main()
