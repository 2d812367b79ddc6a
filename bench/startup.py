"""How long from the start of the program until its page and its API answer, and until the worker is ready.

python -m bench.startup
"""

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure, show

PROGRAM = Path(__file__).resolve().parent.parent
ROUNDS = 3
PATIENCE_SECONDS = 120.0
SERVER_CODE = "import time, server.cli, server.app; print(time.process_time())"
WORKER_CODE = "import time, server.worker, nodes; nodes.catalog_modules(); print(time.process_time())"
NETWORKS_CODE = (
    "import time, torch; from diffusion import networks; began = time.process_time(); networks.warm_up();"
    "print(time.process_time() - began)"
)


def figures() -> Iterator[Figure]:
    """The least of three starts; and the CPU time of the imports alone."""
    rounds = [once() for _ in range(ROUNDS)]
    page, system, ready = (min(column) for column in zip(*rounds, strict=True))
    yield Figure("the page answers after", page, "s", 1.0)
    yield Figure("/v1/system answers after", system, "s", 1.0)
    yield Figure("the worker is ready after", ready, "s")
    yield Figure("imports of the server: CPU", printed(SERVER_CODE), "s")
    yield Figure("imports of the worker until it knows its nodes: CPU", printed(WORKER_CODE), "s")
    yield Figure("imports of diffusers and transformers, later: CPU", printed(NETWORKS_CODE), "s")


def once() -> tuple[float, float, float]:
    """Seconds to the first page, to the first answer of /v1/system, and until it says the worker is ready."""
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
            address = next(line for line in process.stderr if "http://" in line).split()[-1]
            with urllib.request.urlopen(address + "/", timeout=10) as answer:
                answer.read()
            page = time.monotonic() - began
            worker(address)
            system = time.monotonic() - began
            while worker(address) != "ready" and time.monotonic() - began < PATIENCE_SECONDS:
                time.sleep(0.05)
            return page, system, time.monotonic() - began
        finally:
            process.terminate()
            process.wait()


def worker(address: str) -> str:
    """The state of the worker."""
    with urllib.request.urlopen(address + "/v1/system", timeout=10) as answer:
        state: str = json.load(answer)["worker"]
    return state


def printed(code: str) -> float:
    """The number a program prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROGRAM, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


if __name__ == "__main__":
    show(figures())
