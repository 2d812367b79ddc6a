"""Run every check there is, as `make test` does: style, types, imports, editor, pytest, browser.

All of them run even when one fails, so that one call tells everything; the status is 1 if any did.
`ONLY="ruff mypy" make test` runs some.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from setup import BIN, PYTHON, ROOT, WEB, node_and_npm, say


def checks() -> list[tuple[str, list[str], Path]]:
    """The name of each check, its command, and the folder to run it in."""
    node = str(node_and_npm()[0])
    web = "node_modules"
    pytest = [str(PYTHON), "-m", "pytest", "-q"]
    return [
        ("ruff", [str(BIN / "ruff"), "check", "."], ROOT),
        ("ruff format", [str(BIN / "ruff"), "format", "--check", "."], ROOT),
        ("mypy", [str(BIN / "mypy")], ROOT),
        ("import contracts", [str(BIN / "lint-imports")], ROOT),
        ("tsc", [node, f"{web}/typescript/bin/tsc", "--noEmit"], WEB),
        ("eslint", [node, f"{web}/eslint/bin/eslint.js", "."], WEB),
        ("prettier", [node, f"{web}/prettier/bin/prettier.cjs", "--check", "--log-level=warn", "."], WEB),
        ("vitest", [node, f"{web}/vitest/vitest.mjs", "run", "--silent"], WEB),
        ("pytest", [*pytest, "-n", "2", "--dist", "worksteal"], ROOT),
        ("pytest, slow", [*pytest, "-m", "slow and not browser and not soak", "--timeout=600"], ROOT),
        ("pytest, browser", [*pytest, "-m", "browser", "--timeout=300"], ROOT),
    ]


def main() -> None:
    """Run those named on the command line, or all."""
    only = sys.argv[1:]
    failed = []
    for name, command, folder in checks():
        if only and name not in only:
            continue
        say(name)
        started = time.monotonic()
        status = subprocess.run(command, cwd=folder, check=False, env={**os.environ, "CI": "true"}).returncode
        seconds = time.monotonic() - started
        say(f"{name}: {f'FAILED ({status})' if status else 'ok'} after {seconds:.0f} s")
        if status:
            failed.append(name)
    if failed:
        raise SystemExit(f"Failed: {', '.join(failed)}")
    say("all checks passed")


main()
