"""Run every check there is, as `make test` does: style, types, import contracts, the editor's tests, pytest, the browser.

All of them run even when one fails, so that one call tells everything; the status is 1 if any did.
"""

import os
import subprocess
import sys
import time

from setup import BIN, PYTHON, ROOT, WEB, node_and_npm, say


def checks() -> list[tuple[str, list[str], object]]:
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
        ("pytest", pytest, ROOT),
        ("pytest, slow", [*pytest, "-m", "slow and not browser", "--timeout=600"], ROOT),
        ("pytest, browser", [*pytest, "-m", "browser", "--timeout=300"], ROOT),
    ]


def main() -> None:
    only = sys.argv[1:]
    failed = []
    for name, command, folder in checks():
        if only and name not in only:
            continue
        say(name)
        started = time.monotonic()
        status = subprocess.run(command, cwd=str(folder), check=False, env={**os.environ, "CI": "true"}).returncode
        say(f"{name}: {'ok' if status == 0 else f'FAILED ({status})'} after {time.monotonic() - started:.0f} s")
        if status:
            failed.append(name)
    if failed:
        raise SystemExit(f"Failed: {', '.join(failed)}")
    say("all checks passed")


main()
