"""The README, taken at its word: every command and every piece of code in it is run."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.conftest import Server, free_port, wait_until

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
CODE = dict.fromkeys(re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL))
COMMANDS = [line for kind, text in CODE if kind == "console" for line in text.splitlines() if line]
PYTHON = [text for kind, text in CODE if kind == "python"]
MAKE = [command for command in COMMANDS if command.startswith("make")]
PROGRAMS = [command for command in COMMANDS if command.startswith(".venv/bin/photogram")]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """An empty folder that looks like a checkout to commands, so that they leave nothing in the real one."""
    for name in (".venv", "workflows", "models"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.start()
    yield server
    server.stop()


def test_every_command_of_the_readme_is_known_to_these_tests():
    assert sorted(COMMANDS) == sorted([*MAKE, *PROGRAMS])
    assert MAKE == ["make run", "make test"]
    assert len(PYTHON) == 2


def test_what_the_readme_points_to_is_there():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    folders = re.findall(r"^\| `([\w/]+)` \|", README, re.MULTILINE)
    assert [name for name in (*links, *folders) if not (ROOT / name).exists()] == []


def test_make_test_is_what_ci_runs():
    assert "\nmake test\n" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.slow
def test_make_run_serves_the_editor(tmp_path: Path):
    server = Server(tmp_path, free_port())
    folders = [f"--{name}={tmp_path / name}" for name in ("data", "input", "output")]
    arguments = shlex.join([f"--port={server.port}", *folders])
    server.process = subprocess.Popen(
        ["make", "run", f"ARGS={arguments}", f"PYTHON={sys.executable}"], cwd=ROOT, start_new_session=True
    )
    try:
        wait_until(server.answers, 60, "make run did not serve")
        assert b"<title>Photogram" in server.read("/")
    finally:
        os.killpg(server.process.pid, signal.SIGTERM)
        server.process.wait(30)


@pytest.mark.slow
@pytest.mark.parametrize("command", PROGRAMS)
def test_the_commands_of_the_readme_work(command: str, checkout: Path):
    folders = {f"PHOTOGRAM_{name.upper()}": str(checkout / name) for name in ("data", "input", "output")}
    subprocess.run(shlex.split(command), cwd=checkout, env={**os.environ, **folders}, check=True, timeout=300)
    assert "-o rocket.png" not in command or (checkout / "rocket.png").stat().st_size > 1000


@pytest.mark.slow
def test_the_api_example_makes_a_picture(server: Server):
    wait_until(lambda: b'"ready"' in server.read("/v1/system"), 60, "the worker did not start")
    code = PYTHON[0].replace("http://127.0.0.1:8188", server.url)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True, timeout=300)
    assert re.fullmatch(r"succeeded \d{4,} bytes\n", done.stdout), done.stderr


@pytest.mark.slow
def test_the_node_of_the_readme_is_a_node(tmp_path: Path):
    pack = tmp_path / "packs" / "sepia"
    pack.mkdir(parents=True)
    (pack / "__init__.py").write_text(PYTHON[1])
    command = [sys.executable, "-m", "server", "nodes", "sepia.sepia", "--json"]
    folders = [f"--custom-nodes={pack.parent}", f"--data={tmp_path / 'data'}"]
    told = subprocess.run([*command, *folders], cwd=ROOT, text=True, capture_output=True, timeout=120)
    assert "0 leaves the image, 1 tones it wholly." in told.stdout, told.stderr
