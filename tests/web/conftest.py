"""The real server and a real Chromium, driven as a person would: by role and label."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream"]
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Server:
    """A server process with empty folders of its own; it can be killed and started again on the same data."""

    home: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        folders = [f"--{name}={self.home / name}" for name in ("data", "input", "output")]
        command = [sys.executable, "-m", "server", "serve", f"--port={self.port}", *folders]
        log = (self.home / "server.log").open("ab")
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        wait_until(self.answers, 20, "the server did not answer")

    def answers(self) -> bool:
        try:
            return bool(self.read("/v1/system"))
        except OSError:
            return False

    def read(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=1) as answer:
            return answer.read()

    def kill(self) -> None:
        """As a power cut would: no time to tidy up."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)


def wait_until(is_so: object, seconds: float, otherwise: str) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, otherwise
        time.sleep(0.05)


def chromium_path(own: str) -> str:
    found = [path for path in (own, *(shutil.which(name) for name in NAMES)) if path and Path(path).is_file()]
    assert found, "No Chromium is installed; `make test` installs one."
    return found[0]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = chromium_path(playwright.chromium.executable_path)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that the stories share."""
    yield from served(tmp_path_factory.mktemp("photogram"))


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[Server]:
    """A server of the story's own, just started: its engine is not ready yet."""
    yield from served(tmp_path)


def served(home: Path) -> Iterator[Server]:
    server = Server(home)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    yield from opened(browser, server)


@pytest.fixture
def fresh_page(browser: Browser, fresh_server: Server) -> Iterator[Page]:
    yield from opened(browser, fresh_server)


def opened(browser: Browser, server: Server) -> Iterator[Page]:
    """A fresh profile on the page; anything the browser reports as an error fails the test.

    It asks for less motion: what is measured, a colour or a place, is the final one as soon as it is there.
    """
    context = browser.new_context(
        viewport={"width": 1440, "height": 900},
        permissions=["clipboard-read", "clipboard-write"],
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(server.url)
    yield page
    context.close()
    assert faults == []
