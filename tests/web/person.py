"""What a person does on the page, in the words of a story."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

SLOW = 60_000
"""Milliseconds that a run on the bundled model may take on a loaded machine."""


def node(page: Page, title: str) -> Locator:
    return page.get_by_role("group", name=title, exact=True)


def canvas(page: Page) -> Locator:
    return page.get_by_role("application", name="Workflow canvas")


def ready(page: Page) -> None:
    """The engine has told which nodes there are, and what the page begins with is drawn."""
    expect(page.get_by_role("status").filter(has_text="Ready")).to_be_visible(timeout=SLOW)


def new_workflow(page: Page) -> None:
    """Open an empty sheet."""
    ready(page)
    page.get_by_role("button", name="New workflow").click()
    expect(page.get_by_role("region", name="Begin")).to_be_visible()


def add(page: Page, kind: str, x: int, y: int) -> None:
    """Double-click an empty place, type the name of a node, press Enter."""
    canvas(page).dblclick(position={"x": x, "y": y})
    page.get_by_role("combobox", name="Add a node").fill(kind)
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Add a node")).to_have_count(0)


def select(page: Page, title: str) -> None:
    node(page, title).get_by_text(title, exact=True).first.click()
    expect(node(page, title)).to_have_attribute("aria-description", re.compile("selected"))


def rename(page: Page, title: str, to: str) -> None:
    node(page, title).get_by_text(title, exact=True).first.dblclick()
    page.get_by_role("textbox", name="Title", exact=True).and_(page.locator(":focus")).fill(to)
    page.keyboard.press("Enter")


def connect(page: Page, source: str, output: str, target: str, input: str) -> None:
    """Drag a wire from an output to an input."""
    page.get_by_role("button", name=f"output {output} of {source}", exact=True).hover()
    page.mouse.down()
    end = page.get_by_role("button", name=f"input {input} of {target}", exact=True).bounding_box()
    page.mouse.move(end["x"] - 20, end["y"] + 5, steps=4)
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=4)
    page.mouse.up()
    connected(page, target, input)


def connected(page: Page, title: str, input: str) -> None:
    into = page.get_by_role("button", name=f"input {input} of {title}", exact=True)
    expect(into).to_have_attribute("aria-description", "connected")


def write(page: Page, title: str, input: str, text: str) -> None:
    node(page, title).get_by_role("textbox", name=input).fill(text)


def set_number(page: Page, title: str, input: str, value: int) -> None:
    field = node(page, title).get_by_role("spinbutton", name=input)
    field.fill(str(value))
    field.press("Enter")


def command(page: Page, name: str) -> None:
    """Find a command by its name and do it."""
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search commands").fill(name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Search commands")).to_have_count(0)


def panel(page: Page, name: str) -> Locator:
    """Open a panel of the rail, if it is not open."""
    button = page.get_by_role("navigation", name="Panels").get_by_role("button", name=re.compile(f"^{name}"))
    if button.get_attribute("aria-expanded") == "false":
        button.click()
    return page.get_by_role("complementary", name=name, exact=True)


def template(page: Page, title: str) -> None:
    ready(page)
    panel(page, "Workflows").get_by_role("button", name=title).click()
    expect(page.get_by_role("button", name=title).and_(page.locator("[aria-current=page]"))).to_be_visible()


def run(page: Page) -> None:
    page.get_by_role("button", name="Run", exact=True).click()


def told(page: Page, what: str) -> None:
    """Wait until the run bar says so."""
    status = page.get_by_role("toolbar", name="Run").get_by_role("status")
    expect(status).to_contain_text(what, timeout=SLOW)


def finished(page: Page) -> None:
    told(page, "Done in")


def picture(page: Page, title: str = "Save Image") -> Locator:
    return node(page, title).get_by_role("img").first


def document(page: Page) -> dict[str, Any]:
    """The document in front, as it would be saved; numbers beyond 2^53 are rounded."""
    return page.evaluate("photogram.document()")


def hold(page: Page, name: str, data: bytes, mime: str) -> Any:
    """A file in the hand, as the browser gives it to what it is dropped on."""
    script = """([name, bytes, mime]) => {
        const held = new DataTransfer();
        held.items.add(new File([new Uint8Array(bytes)], name, { type: mime }));
        return held;
    }"""
    return page.evaluate_handle(script, [name, list(data), mime])


def drop(page: Page, onto: Locator, name: str, data: bytes, mime: str) -> None:
    held = hold(page, name, data, mime)
    box = onto.bounding_box()
    at = {"clientX": box["x"] + box["width"] / 2, "clientY": box["y"] + box["height"] / 2}
    onto.dispatch_event("dragover", {"dataTransfer": held, **at})
    onto.dispatch_event("drop", {"dataTransfer": held, **at})


def paste_file(page: Page, name: str, data: bytes, mime: str) -> None:
    """Paste a picture that was copied in another program to where the focus is."""
    script = """held => (document.activeElement ?? document.body).dispatchEvent(
        new ClipboardEvent("paste", { clipboardData: held, bubbles: true, cancelable: true }))"""
    page.evaluate(script, hold(page, name, data, mime))


def steadily(page: Page, is_so: Callable[[], bool], otherwise: str) -> None:
    """Wait for something that no locator shows."""
    for _ in range(200):
        if is_so():
            return
        page.wait_for_timeout(50)
    raise AssertionError(otherwise)


def paste_text(page: Page, text: str) -> None:
    """Paste what was copied elsewhere onto the canvas."""
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    canvas(page).press("Control+v")
