"""Videos made, seen on the node, opened again, put in."""

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.films import film
from tests.web.conftest import ROOT, Server
from tests.web.person import (
    SLOW,
    add,
    canvas,
    document,
    drop,
    finished,
    new_workflow,
    node,
    panel,
    paste_text,
    run,
    steadily,
)

pytestmark = pytest.mark.browser

MADE = {
    "grey": {"type": "EmptyImage", "inputs": {"width": 48, "height": 32, "batch_size": 8, "color": 8421504}},
    "save": {
        "type": "SaveWEBM",
        "inputs": {"images": {"link": ["grey", "IMAGE"]}, "filename_prefix": "grey"},
    },
}


def moving(page: Page, title: str) -> Locator:
    """The video on a node, once it plays; it waits to be asked, because the page asks for less motion."""
    video = node(page, title).locator("video")
    expect(video).to_be_visible(timeout=SLOW)
    assert video.evaluate("video => [video.controls, video.muted, video.loop]") == [True, True, True]
    video.evaluate("video => video.play()")
    steadily(page, lambda: video.evaluate("video => video.currentTime") > 0, "the video does not play")
    return video


def size(video: Locator) -> list[int]:
    return video.evaluate("video => [video.videoWidth, video.videoHeight]")


def test_a_video_that_was_made_plays_on_its_node_and_opens_its_workflow_again(page: Page, server: Server):
    new_workflow(page)
    paste_text(page, json.dumps({"format": 1, "id": "film", "title": "", "nodes": MADE}))
    run(page)
    finished(page)
    assert size(moving(page, "SaveWEBM")) == [48, 32]
    node(page, "SaveWEBM").get_by_role("button", name=re.compile("Open grey_")).click()
    dialog = page.get_by_role("dialog", name=re.compile("grey_"))
    expect(dialog.locator("video")).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel(page, "Assets").get_by_role("button", name=re.compile("Open grey_"))).to_be_visible()
    new_workflow(page)
    drop(page, canvas(page), "grey.webm", server.read("/v1/files/output/grey_00001_.webm"), "video/webm")
    page.get_by_role("dialog", name="This video holds a workflow").get_by_role(
        "button", name="Open the workflow"
    ).click()
    expect(node(page, "SaveWEBM").get_by_role("textbox", name="filename_prefix")).to_have_value("grey")


def test_a_video_is_dropped_on_the_node_that_loads_it(page: Page):
    new_workflow(page)
    add(page, "Load Video", 500, 200)
    place = node(page, "Load Video").get_by_role("button", name="Upload file")
    drop(page, place, "dropped.webm", film("webm", size=(64, 48), frames=10), "video/webm")
    expect(node(page, "Load Video").get_by_role("combobox", name="file")).to_contain_text("dropped")
    assert size(moving(page, "Load Video")) == [64, 48]


def test_a_picture_dropped_on_the_node_that_loads_a_video_is_told_of(page: Page):
    new_workflow(page)
    add(page, "Load Video", 500, 200)
    place = node(page, "Load Video").get_by_role("button", name="Upload file")
    drop(page, place, "apple.png", (ROOT / "workflows/inputs/photogram_apple.png").read_bytes(), "image/png")
    expect(page.get_by_text("apple.png is not a video.")).to_be_visible()
    expect(node(page, "Load Video").get_by_role("combobox", name="file")).not_to_contain_text("apple")


def test_a_video_dropped_on_the_canvas_becomes_a_node(page: Page):
    new_workflow(page)
    drop(page, canvas(page), "plain.webm", film("webm"), "video/webm")
    expect(node(page, "Load Video").get_by_role("combobox", name="file")).to_contain_text("plain")
    assert [each["inputs"]["file"] for each in document(page)["nodes"].values()] == ["plain.webm"]
