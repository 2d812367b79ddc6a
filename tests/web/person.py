"""What a person does on the page, in the words of a story."""

from playwright.sync_api import Locator, Page, expect

SLOW = 60_000
"""Milliseconds that a run on the bundled model may take on a loaded machine."""


def node(page: Page, title: str) -> Locator:
    return page.get_by_role("group", name=title, exact=True)


def new_workflow(page: Page) -> None:
    """Open an empty sheet, once the engine has told which nodes there are."""
    expect(page.get_by_role("status").filter(has_text="Ready")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="New workflow").click()
    expect(page.get_by_role("region", name="Begin")).to_be_visible()


def add(page: Page, kind: str, x: int, y: int) -> None:
    """Double-click an empty place, type the name of a node, press Enter."""
    page.get_by_role("application", name="Workflow canvas").dblclick(position={"x": x, "y": y})
    page.get_by_role("combobox", name="Add a node").fill(kind)
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Add a node")).to_have_count(0)


def rename(page: Page, title: str, to: str) -> None:
    node(page, title).get_by_role("heading", name=title).dblclick()
    node(page, title).get_by_role("textbox", name="Title").fill(to)
    page.keyboard.press("Enter")


def connect(page: Page, source: str, output: str, target: str, input: str) -> None:
    """Drag a wire from an output to an input."""
    page.get_by_role("button", name=f"output {output} of {source}", exact=True).hover()
    page.mouse.down()
    end = page.get_by_role("button", name=f"input {input} of {target}", exact=True).bounding_box()
    page.mouse.move(end["x"] - 20, end["y"] + 5, steps=4)
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=4)
    page.mouse.up()
    into = page.get_by_role("button", name=f"input {input} of {target}", exact=True)
    expect(into).to_have_attribute("aria-description", "connected")


def write(page: Page, title: str, input: str, text: str) -> None:
    field = node(page, title).get_by_role("textbox", name=input)
    field.fill(text)


def set_number(page: Page, title: str, input: str, value: int) -> None:
    field = node(page, title).get_by_role("spinbutton", name=input)
    field.fill(str(value))
    field.press("Enter")


def run(page: Page) -> None:
    page.get_by_role("button", name="Run", exact=True).click()


def finished(page: Page, title: str = "Save Image") -> None:
    """Wait until a node says how long it took."""
    expect(node(page, title)).to_contain_text("s", timeout=SLOW)


def picture(page: Page, title: str = "Save Image") -> Locator:
    return node(page, title).get_by_role("img").first
