"""How fast the editor is at 500 nodes: main-thread milliseconds per frame, and how much is drawn.

    .venv/bin/python bench/editor.py [NODES]

Figures of this machine, not tests. The browser draws without a GPU; what is counted is the time that the
page's own thread works (Chromium's `TaskDuration`: scripts, style, layout, paint), divided by the frames of
the gesture. "script" is the part of it that our code and the libraries take; "rest" is what a frame costs in
which nothing happens.
"""

import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import CDPSession, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.web.conftest import chromium_path  # noqa: E402  (the tests know where the browser is)

ROUNDS = 3
FRAMES = 60


def chain(count: int) -> dict[str, object]:
    """A wide workflow: groups of five nodes, as people lay them out, wired in rows."""
    nodes: dict[str, object] = {}
    for at in range(count // 5):
        x, y = (at % 10) * 1600, (at // 10) * 700
        names = [f"{kind}{at}" for kind in ("loader", "text", "latent", "sampler", "decode")]
        loader, text, latent, sampler, decode = names
        inputs = {
            "model": {"link": [loader, "MODEL"]},
            "positive": {"link": [text, "CONDITIONING"]},
            "negative": {"link": [text, "CONDITIONING"]},
            "latent_image": {"link": [latent, "LATENT"]},
            "seed": at,
        }
        nodes[loader] = {"type": "CheckpointLoaderSimple", "position": [x, y]}
        nodes[text] = {
            "type": "CLIPTextEncode",
            "inputs": {"clip": {"link": [loader, "CLIP"]}, "text": f"prompt {at}"},
            "position": [x + 320, y],
        }
        nodes[latent] = {"type": "EmptyLatentImage", "position": [x + 320, y + 260]}
        nodes[sampler] = {"type": "KSampler", "inputs": inputs, "position": [x + 680, y]}
        nodes[decode] = {
            "type": "VAEDecode",
            "inputs": {"samples": {"link": [sampler, "LATENT"]}, "vae": {"link": [loader, "VAE"]}},
            "position": [x + 1000, y],
        }
    return {"format": 1, "id": "bench", "title": f"{count} nodes", "nodes": nodes}


@contextmanager
def serving() -> Iterator[str]:
    """A server of its own, with empty folders."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        folders = [f"--{name}={home}/{name}" for name in ("data", "input", "output")]
        command = [sys.executable, "-m", "server", "serve", f"--port={port}", *folders]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def wait_for(url: str) -> None:
    """Until the engine has told its nodes, so that what is measured is the page alone."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(url + "/v1/nodes", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SystemExit("The server did not start.")


def clocks(session: CDPSession) -> tuple[float, float]:
    """Milliseconds that the page's thread worked so far, and those of scripts."""
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return metrics["TaskDuration"] * 1000, metrics["ScriptDuration"] * 1000


def told(page: Page, session: CDPSession, name: str, gesture: Callable[[Page], int]) -> None:
    """Print what a frame of a gesture costs, which answers how many frames it had; the best round counts."""
    rounds = []
    for _ in range(ROUNDS):
        page.wait_for_timeout(600)
        before = clocks(session)
        frames = gesture(page)
        rounds.append([(now - then) / frames for now, then in zip(clocks(session), before, strict=True)])
    whole, script = min(rounds)
    print(f"{name:<28}{whole:>8.1f} ms{script:>8.1f} ms script", flush=True)


def moves(page: Page, step: Callable[[int], None]) -> int:
    """Do a step in each of many frames."""
    for at in range(FRAMES):
        step(at)
        page.evaluate("new Promise(requestAnimationFrame)")
    return FRAMES


def pan(page: Page) -> int:
    """Drag the canvas with the middle button."""
    page.mouse.move(1400, 450)
    page.mouse.down(button="middle")
    frames = moves(page, lambda at: page.mouse.move(1400 - 8 * at, 450 + at))
    page.mouse.up(button="middle")
    for at in range(FRAMES):
        page.mouse.move(700, 450 + at)
    page.keyboard.press("Escape")
    return frames


def zoom(page: Page) -> int:
    """Turn the wheel back and forth."""
    page.mouse.move(720, 450)
    return moves(page, lambda at: page.mouse.wheel(0, -40 if at % 20 < 10 else 40))


def drag(page: Page) -> int:
    """Move one node by its title."""
    box = page.get_by_role("group", name="KSampler (sampler0)").bounding_box()
    x, y = box["x"] + 60, box["y"] + 10
    page.mouse.move(x, y)
    page.mouse.down()
    frames = moves(page, lambda at: page.mouse.move(x + at * 2, y + at))
    page.mouse.up()
    page.keyboard.press("Control+z")
    return frames


def typing(page: Page) -> int:
    """Type into a prompt."""
    page.get_by_role("group", name="CLIP Text Encode (Prompt) (text0)").get_by_role("textbox").focus()
    return moves(page, lambda _: page.keyboard.press("a"))


def rest(page: Page) -> int:
    """Nothing at all."""
    return moves(page, lambda _: None)


def main() -> None:
    """Open a workflow of many nodes and print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with serving() as url, sync_playwright() as playwright:
        path = chromium_path(playwright.chromium.executable_path)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.goto(url)
        page.get_by_role("status").filter(has_text="Ready").wait_for(timeout=60_000)
        session = context.new_cdp_session(page)
        session.send("Performance.enable")
        before, (busy, _) = time.perf_counter(), clocks(session)
        page.evaluate(OPEN, json.dumps(chain(count)))
        page.get_by_role("group", name="KSampler (sampler0)").wait_for()
        page.evaluate("new Promise(requestAnimationFrame)")
        wall = (time.perf_counter() - before) * 1000
        print(f"{'open':<28}{clocks(session)[0] - busy:>8.1f} ms{wall:>8.1f} ms by the clock")
        for where in ("all in view", "near"):
            if where == "near":
                page.get_by_role("application", name="Workflow canvas").press("Home")
                page.wait_for_timeout(800)
            print(f"{where + ', elements':<28}{page.evaluate(COUNT):>8}")
            for gesture in (rest, pan, zoom):
                told(page, session, f"{where}, {gesture.__name__}", gesture)
        told(page, session, "near, drag one node", drag)
        told(page, session, "near, type a letter", typing)
        browser.close()


COUNT = "document.querySelectorAll('*').length"
OPEN = """text => {
    const held = new DataTransfer();
    held.items.add(new File([text], "bench.json", { type: "application/json" }));
    const how = { dataTransfer: held, bubbles: true, cancelable: true };
    document.body.dispatchEvent(new DragEvent("drop", how));
}"""


if __name__ == "__main__":
    main()
