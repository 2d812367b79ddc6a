"""Everything without a pointer."""

import pytest
from playwright.sync_api import Page, expect

from tests.web.person import SLOW, canvas, command, finished, node, paste_text, picture, ready

pytestmark = pytest.mark.browser


def press_until(page: Page, key: str, focused: str) -> None:
    """Press a key until something of that name has the focus."""
    for _ in range(40):
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == focused:
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} does not lead to {focused}")


def choose(page: Page, list_name: str, words: str) -> None:
    field = page.get_by_role("combobox", name=list_name)
    expect(field).to_be_focused()
    page.keyboard.type(words)
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Enter")
    expect(field).to_have_count(0)


def inside(page: Page, title: str, control: str) -> None:
    """Find a node by its name, go into it and on to one of its controls."""
    page.keyboard.press("Control+f")
    choose(page, "Find a node", title)
    expect(node(page, title)).to_be_focused()
    page.keyboard.press("Enter")
    press_until(page, "Tab", control)


def grow(page: Page, title: str, socket: str, kind: str) -> None:
    """From a socket to a new node."""
    inside(page, title, f"{socket} of {title}")
    page.keyboard.press("c")
    choose(page, f"Connect {socket.split()[1]} to", "New node")
    choose(page, "Nodes that", kind)
    expect(node(page, kind)).to_be_visible()


def join(page: Page, title: str, socket: str, other: str) -> None:
    inside(page, title, f"{socket} of {title}")
    page.keyboard.press("c")
    choose(page, f"Connect {socket.split()[1]} to", other)


def rename(page: Page, title: str, to: str) -> None:
    page.keyboard.press("Control+f")
    choose(page, "Find a node", title)
    expect(node(page, title)).to_be_focused()
    page.keyboard.press("F2")
    page.keyboard.press("Control+a")
    page.keyboard.type(to)
    page.keyboard.press("Enter")
    expect(node(page, to)).to_be_focused()


def test_text_to_image_is_built_and_run_with_the_keyboard_alone(page: Page):
    ready(page)
    command(page, "New workflow")
    press_until(page, "F6", "Workflow canvas")
    page.keyboard.press("Tab")
    choose(page, "Add a node", "KSampler")
    prompt = "CLIP Text Encode (Prompt)"
    grow(page, "KSampler", "input model", "Load Checkpoint")
    grow(page, "KSampler", "input positive", prompt)
    rename(page, prompt, "Wanted")
    grow(page, "KSampler", "input negative", prompt)
    grow(page, "KSampler", "input latent_image", "Empty Latent Image")
    grow(page, "KSampler", "output LATENT", "VAE Decode")
    grow(page, "VAE Decode", "output IMAGE", "Save Image")
    join(page, "Wanted", "input clip", "Load Checkpoint")
    join(page, prompt, "input clip", "Load Checkpoint")
    join(page, "VAE Decode", "input vae", "Load Checkpoint")
    inside(page, "Wanted", "text")
    page.keyboard.type("a red apple")
    for side in ("width", "height"):
        inside(page, "Empty Latent Image", side)
        page.keyboard.press("Control+a")
        page.keyboard.type("128")
        page.keyboard.press("Enter")
    inside(page, "KSampler", "steps")
    page.keyboard.press("Control+a")
    page.keyboard.type("2")
    page.keyboard.press("Control+Enter")
    finished(page)
    expect(picture(page)).to_be_visible(timeout=SLOW)


def test_arrows_go_from_node_to_node_and_alt_arrows_along_the_wires(page: Page):
    ready(page)
    press_until(page, "F6", "Workflow canvas")
    page.keyboard.press("Home")
    expect(node(page, "Load Checkpoint")).to_be_focused()
    page.keyboard.press("End")
    expect(node(page, "Save Image")).to_be_focused()
    page.keyboard.press("Alt+ArrowLeft")
    expect(node(page, "Upscale x4")).to_be_focused()


def test_f8_goes_from_problem_to_problem_and_into_subgraphs(page: Page):
    ready(page)
    command(page, "New workflow")
    paste_text(page, SUBGRAPH)
    expect(node(page, "Framed")).to_be_visible()
    expect(page.get_by_role("button", name="2 problems")).to_be_visible()
    canvas(page).press("F8")
    expect(node(page, "Load Image")).to_be_visible()
    page.keyboard.press("F8")
    expect(page.get_by_role("navigation", name="Breadcrumb")).to_contain_text("Framed")
    expect(node(page, "Canny")).to_be_visible()
    canvas(page).press("Escape")
    expect(page.get_by_role("navigation", name="Breadcrumb")).to_have_count(0)
    node(page, "Framed").get_by_text("Framed").dblclick()
    page.get_by_role("navigation", name="Breadcrumb").get_by_role("button").first.click()
    expect(node(page, "Framed")).to_be_visible()


SUBGRAPH = """{
  "format": 1, "id": "outer", "title": "Outer",
  "nodes": {
    "load": {"type": "LoadImage", "inputs": {"image": "nowhere.png"}},
    "framed": {"type": "inner", "inputs": {"picture": {"link": ["load", "IMAGE"]}}, "position": [360, 0]},
    "save": {"type": "SaveImage", "inputs": {"images": {"link": ["framed", "edges"]}}, "position": [720, 0]}
  },
  "subgraphs": {
    "inner": {
      "title": "Framed",
      "nodes": {"canny": {"type": "Canny", "inputs": {"low_threshold": 7}}},
      "inputs": [{"name": "picture", "targets": [["canny", "image"]], "type": "IMAGE"}],
      "outputs": [{"name": "edges", "source": ["canny", "IMAGE"], "type": "IMAGE"}]
    }
  }
}"""
