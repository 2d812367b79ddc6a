"""How fast the editor is at 500 nodes: CPU milliseconds per frame of the page, and how much is drawn.

    .venv/bin/python -m bench.editor [--json]

The browser draws without a GPU. What is counted is the time that the page's thread computes (Chromium's
`TaskDuration` in thread time: scripts, style, layout, paint), divided by the frames of the gesture; the
middle one of several rounds. `tests/web/test_budgets.py` asserts the same figures.

The same work takes twice as long on a slow machine, or in a slow hour of a shared one. So every frame is
measured beside one of `plain.html`, 500 boxes that are zoomed without any library, and told in milliseconds
of a core that takes `PLAIN_MS` for that one; never in more than were counted.
"""

import gzip
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from bench.figures import Figure, show
from tests.web.conftest import ROOT, Server, chromium_path

NODES = 500
ROUNDS = 5
FRAMES = 40
PLAIN = Path(__file__).with_name("plain.html")
PLAIN_MS = 6.0
SCRIPTS = ROOT / "web" / "dist"


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


def busy(session: CDPSession) -> float:
    """Milliseconds that the page's thread has computed so far."""
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"]) * 1000


class Frames:
    """What frames of a page cost, beside those of a plain page of the same browser."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.session = thread_of(page)
        self.plain = browser_of(page).new_page(viewport=page.viewport_size)
        self.plain.set_content(PLAIN.read_text(encoding="utf-8"))
        self.plain_session = thread_of(self.plain)

    def close(self) -> None:
        """Take the plain page away."""
        self.plain.close()

    def cost(self, gesture: Callable[[Page], int]) -> float:
        """Milliseconds of a frame of a gesture, which answers how many; of several rounds the middle."""
        rounds = []
        for _ in range(ROUNDS):
            plain = once(self.plain, self.plain_session, zoom)
            self.page.wait_for_timeout(600)
            rounds.append(once(self.page, self.session, gesture) / max(1.0, plain / PLAIN_MS))
        return median(rounds)


def browser_of(page: Page) -> Browser:
    """The browser that shows a page."""
    browser = page.context.browser
    assert browser is not None
    return browser


def thread_of(page: Page) -> CDPSession:
    """A session that counts what the page's thread computes."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    return session


def once(page: Page, session: CDPSession, gesture: Callable[[Page], int]) -> float:
    """Milliseconds of a frame in one round of a gesture."""
    before = busy(session)
    frames = gesture(page)
    return (busy(session) - before) / frames


def moves(page: Page, step: Callable[[int], None]) -> int:
    """Do a step in each of many frames."""
    for at in range(FRAMES):
        step(at)
        page.evaluate("new Promise(requestAnimationFrame)")
    return FRAMES


def pan(page: Page) -> int:
    """Drag the canvas with the middle button, and back."""
    page.mouse.move(1200, 450)
    page.mouse.down(button="middle")
    frames = moves(page, lambda at: page.mouse.move(1200 - 12 * min(at, FRAMES - at), 450 + at))
    page.mouse.up(button="middle")
    return frames


def zoom(page: Page) -> int:
    """Turn the wheel back and forth."""
    page.mouse.move(720, 450)
    return moves(page, lambda at: page.mouse.wheel(0, -40 if at % 20 < 10 else 40))


def drag(page: Page) -> int:
    """Move the first sampler, and what is selected with it, by its title; then take it back."""
    zoom_now, x, y = place(page)
    left, top = x + (SAMPLER[0] + 60) * zoom_now, y + (SAMPLER[1] + 12) * zoom_now
    page.mouse.move(left, top)
    page.mouse.down()
    frames = moves(page, lambda at: page.mouse.move(left + at * 2, top + at))
    page.mouse.up()
    page.keyboard.press("Control+z")
    return frames


def typing(page: Page) -> int:
    """Type into a prompt."""
    page.get_by_role("group", name="CLIP Text Encode (Prompt) (text0)").get_by_role("textbox").focus()
    return moves(page, lambda _: page.keyboard.press("a"))


def place(page: Page) -> tuple[float, float, float]:
    """The zoom, and where the origin of the canvas lies in the window."""
    zoom_now, x, y = page.evaluate(PLACE)
    return float(zoom_now), float(x), float(y)


def see_at(page: Page, percent: int) -> None:
    """See the first node at a zoom."""
    page.get_by_role("application", name="Workflow canvas").press("Home")
    page.wait_for_timeout(600)
    page.mouse.move(500, 400)
    for _ in range(200):
        now = place(page)[0] * 100
        if abs(now - percent) < 1:
            break
        page.mouse.wheel(0, 8 if now > percent else -8)
        page.wait_for_timeout(20)
    page.wait_for_timeout(600)


def select_hundred(page: Page) -> None:
    """Seen from the first node: fit all, and draw a box around the first two columns."""
    page.mouse.click(300, 140)
    page.keyboard.press(".")
    page.wait_for_timeout(600)
    zoom_now, x, y = place(page)
    page.keyboard.down("Control")
    page.mouse.move(x - 20 * zoom_now, y - 20 * zoom_now)
    page.mouse.down()
    page.mouse.move(x + 3000 * zoom_now, y + 6900 * zoom_now, steps=10)
    page.mouse.up()
    page.keyboard.up("Control")
    assert page.evaluate("document.querySelectorAll('.react-flow__node.selected').length") == 100


def longest_task(page: Page, gesture: Callable[[Page], int]) -> float:
    """Milliseconds that the longest task of the page's thread computes in a gesture; the least of several."""
    browser = browser_of(page)
    rounds = []
    for _ in range(ROUNDS):
        browser.start_tracing(page=page, categories=["toplevel", "__metadata"])
        gesture(page)
        events = json.loads(browser.stop_tracing())["traceEvents"]
        named = [each for each in events if each["name"] == "thread_name"]
        main = {(each["pid"], each["tid"]) for each in named if each["args"]["name"] == "CrRendererMain"}
        rounds.append(
            max(each.get("tdur", 0) for each in events if (each["pid"], each["tid"]) in main) / 1000
        )
    return min(rounds)


def script_kilobytes() -> float:
    """The scripts that the page begins with, compressed, in thousands of bytes."""
    page = (SCRIPTS / "index.html").read_text(encoding="utf-8")
    first = [path for path in (SCRIPTS / "assets").glob("*.js") if path.name in page]
    return sum(len(gzip.compress(path.read_bytes())) for path in first) / 1000


def opened(page: Page, session: CDPSession) -> float:
    """Milliseconds of the page's thread from a dropped file of many nodes to a frame that shows them."""
    before = busy(session)
    page.evaluate(OPEN, json.dumps(chain(NODES)))
    page.get_by_role("group", name="KSampler (sampler0)").wait_for()
    page.evaluate("new Promise(requestAnimationFrame)")
    return busy(session) - before


def measured(page: Page) -> Iterator[Figure]:
    """Every figure there is of a page that has just begun."""
    with closing(Frames(page)) as frames:
        yield Figure("scripts the page begins with, compressed", script_kilobytes(), "kB", 300)
        yield Figure("500 nodes opened", opened(page, frames.session), "ms", 1500)
        page.wait_for_timeout(800)
        yield Figure("elements, all in view", page.evaluate(COUNT), "", 4000)
        yield Figure("a frame of panning, all in view", frames.cost(pan), "ms", 8)
        yield Figure("a frame of zooming, all in view", frames.cost(zoom), "ms", 8)
        see_at(page, 40)
        yield Figure("a frame of zooming from far to near and back", frames.cost(zoom), "ms", 14)
        yield Figure("the longest task meanwhile", longest_task(page, zoom), "ms", 100)
        see_at(page, 80)
        yield Figure("elements, near", page.evaluate(COUNT), "", 4000)
        yield Figure("a frame of panning, near", frames.cost(pan), "ms", 8)
        see_at(page, 80)
        yield Figure("a frame of dragging a node, near", frames.cost(drag), "ms", 8)
        yield Figure("a letter typed into a prompt, near", frames.cost(typing), "ms", 8)
        select_hundred(page)
        yield Figure("a frame of dragging 100 nodes, all in view", frames.cost(drag), "ms", 14)
        frames.session.send("HeapProfiler.collectGarbage")
        yield Figure("memory of the page's scripts", page.evaluate(HEAP) / 1e6, "MB", 60)


def figures() -> Iterator[Figure]:
    """Open the editor on a server of its own and measure."""
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        server = Server(Path(home))
        server.start()
        try:
            path = chromium_path(playwright.chromium.executable_path)
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.goto(server.url)
            page.get_by_role("status").filter(has_text="Ready").wait_for(timeout=60_000)
            yield from measured(page)
            browser.close()
        finally:
            server.stop()


SAMPLER = (680, 0)
COUNT = "document.querySelectorAll('*').length"
HEAP = "performance.memory.usedJSHeapSize"
PLACE = """() => {
    const { transform } = getComputedStyle(document.querySelector(".react-flow__viewport"));
    const { a, e, f } = new DOMMatrix(transform);
    const box = document.querySelector(".react-flow").getBoundingClientRect();
    return [a, e + box.left, f + box.top];
}"""
OPEN = """text => {
    const held = new DataTransfer();
    held.items.add(new File([text], "bench.json", { type: "application/json" }));
    const how = { dataTransfer: held, bubbles: true, cancelable: true };
    document.body.dispatchEvent(new DragEvent("drop", how));
}"""


if __name__ == "__main__":
    show(figures())
