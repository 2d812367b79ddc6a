"""Pin every dependency with its hashes: `python tools/lock.py` rewrites tools/locks/ from pyproject.toml.

Torch stays out of the hashed locks and is pinned by version alone, because pip's own settings decide between
its CPU and CUDA builds; what torch needs besides (on Linux gigabytes of CUDA libraries) comes with it.
Torchvision stays out: it works with the very build of torch it was made for, and we need nothing of it.
"""

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORCH = "torch==2.13.0"


def pin(name: str, requirements: list[str], *extra: str) -> None:
    """Resolve for every platform from Python 3.11 on, and write one lock file."""
    options = ["--generate-hashes", "--universal", "--quiet", "--no-header", "--no-annotate"]
    command = [sys.executable, "-m", "uv", "pip", "compile", "-", *options, "--python-version=3.11", *extra]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as without_torch:
        for package in ("torch", "torchvision"):  # others ask for them: one is there, one we do without
            without_torch.write(f"{package}; python_version < '3'\n")
        without_torch.flush()
        command += ["--override", without_torch.name]
        text = subprocess.run(
            command, input="\n".join(requirements), text=True, check=True, capture_output=True
        )
    (ROOT / "tools" / "locks" / f"{name}.txt").write_text(text.stdout)


def main() -> None:
    """Write a lock for running, one for testing, and one for building the editor."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    run = [need for need in project["dependencies"] if not need.startswith("torch>")]
    test = project["optional-dependencies"]["dev"]
    (ROOT / "tools" / "locks" / "torch.txt").write_text(f"{TORCH}\n")
    pin("run", run)
    pin("test", [*test, *run], "--constraint", str(ROOT / "tools" / "locks" / "run.txt"))
    pin("node", project["optional-dependencies"]["node"])


main()
