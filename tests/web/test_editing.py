"""Editing the graph: copies, removals, tabs, values that are wrong."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.person import (
    add,
    canvas,
    command,
    connect,
    connected,
    document,
    new_workflow,
    node,
    paste_text,
    ready,
    run,
    select,
    set_number,
    steadily,
)

pytestmark = pytest.mark.browser


def test_a_copied_node_is_pasted_with_its_values(page: Page):
    ready(page)
    set_number(page, "KSampler", "steps", 17)
    select(page, "KSampler")
    page.keyboard.press("Control+c")
    page.keyboard.press("Control+v")
    copy = node(page, "KSampler (sampler_2)")
    expect(copy.get_by_role("spinbutton", name="steps")).to_have_value("17")
    assert "link" not in str(document(page)["nodes"]["sampler_2"])


def test_what_was_copied_can_be_read_as_text_and_pasted_into_another_tab(page: Page):
    ready(page)
    select(page, "VAE Decode")
    page.keyboard.press("Control+c")
    assert '"VAEDecode"' in page.evaluate("navigator.clipboard.readText()")
    new_workflow(page)
    canvas(page).press("Control+v")
    expect(node(page, "VAE Decode")).to_be_visible()


def test_duplicate_keeps_the_wires_into_the_node(page: Page):
    ready(page)
    select(page, "VAE Decode")
    page.keyboard.press("Control+d")
    expect(page.get_by_role("group", name=re.compile("^VAE Decode"))).to_have_count(2)
    copies = [each for each in document(page)["nodes"].values() if each["type"] == "VAEDecode"]
    assert copies[0]["inputs"] == copies[1]["inputs"]


def test_cut_takes_away_and_paste_brings_back(page: Page):
    ready(page)
    select(page, "Empty Latent Image")
    page.keyboard.press("Control+x")
    expect(node(page, "Empty Latent Image")).to_have_count(0)
    page.keyboard.press("Control+v")
    expect(node(page, "Empty Latent Image")).to_be_visible()


def test_delete_removes_a_node_and_undo_brings_it_back_with_its_wires(page: Page):
    ready(page)
    before = document(page)
    select(page, "VAE Decode")
    page.keyboard.press("Delete")
    expect(node(page, "VAE Decode")).to_have_count(0)
    page.keyboard.press("Control+z")
    connected(page, "VAE Decode", "samples")
    assert document(page) == before


def test_delete_and_reconnect_heals_the_wires(page: Page):
    ready(page)
    new_workflow(page)
    add(page, "Empty Latent Image", 200, 200)
    select(page, "Empty Latent Image")
    add(page, "Upscale Latent By", 600, 200)
    add(page, "VAE Decode", 1000, 200)
    connect(page, "Empty Latent Image", "LATENT", "Upscale Latent By", "samples")
    connect(page, "Upscale Latent By", "LATENT", "VAE Decode", "samples")
    select(page, "Upscale Latent By")
    page.keyboard.press("Shift+Delete")
    expect(node(page, "Upscale Latent By")).to_have_count(0)
    connected(page, "VAE Decode", "samples")


def test_a_wrong_value_is_told_on_the_input_it_belongs_to(page: Page):
    ready(page)
    select(page, "Load Checkpoint")
    text = json.dumps(document(page)).replace("photogram.safetensors", "gone.safetensors")
    new_workflow(page)
    paste_text(page, text)
    run(page)
    expect(node(page, "Load Checkpoint").get_by_role("alert")).to_contain_text("gone.safetensors")
    chosen = node(page, "Load Checkpoint").get_by_role("combobox", name="ckpt_name")
    expect(chosen).to_have_attribute("aria-invalid", "true")


def test_two_workflows_lie_in_two_tabs_each_with_its_own_past(page: Page):
    new_workflow(page)
    add(page, "KSampler", 500, 200)
    tabs = page.get_by_role("navigation", name="Open workflows")
    tabs.get_by_role("button", name="Text to image", exact=True).click()
    expect(node(page, "Save Image")).to_be_visible()
    tabs.get_by_role("button", name=re.compile("^Untitled")).first.click()
    expect(node(page, "Save Image")).to_have_count(0)
    command(page, "Undo")
    expect(node(page, "KSampler")).to_have_count(0)


def test_undo_takes_back_and_redo_brings_back(page: Page):
    new_workflow(page)
    add(page, "KSampler", 500, 200)
    page.keyboard.press("Control+z")
    expect(node(page, "KSampler")).to_have_count(0)
    page.keyboard.press("Control+y")
    expect(node(page, "KSampler")).to_be_visible()


def test_an_input_that_needs_a_wire_is_told_on_its_node(page: Page):
    new_workflow(page)
    add(page, "Save Image", 500, 200)
    run(page)
    problem = node(page, "Save Image").get_by_text(re.compile("images"))
    expect(problem.first).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("problem"))).to_be_visible()


def test_tidying_up_lays_nodes_out_along_their_links_and_one_undo_takes_it_back(page: Page):
    new_workflow(page)
    paste_text(page, json.dumps(HEAP))
    expect(node(page, "Save Image")).to_be_visible()
    heap = positions(page)
    command(page, "Tidy up")
    steadily(page, lambda: positions(page) != heap, "nothing moved")
    tidy = positions(page)
    across = [tidy[title][0] for title in ("Empty Latent Image", "VAE Decode", "Save Image")]
    assert across == sorted(across)
    assert len(set(across)) == 3
    canvas(page).press("Control+z")
    assert positions(page) == heap


def positions(page: Page) -> dict[str, list[float]]:
    """Where each node of the document is."""
    titles = {"EmptyLatentImage": "Empty Latent Image", "VAEDecode": "VAE Decode", "SaveImage": "Save Image"}
    return {titles[each["type"]]: each["position"] for each in document(page)["nodes"].values()}


HEAP = {
    "format": 1,
    "id": "heap",
    "title": "Everything in one place",
    "nodes": {
        "save": {
            "type": "SaveImage",
            "inputs": {"images": {"link": ["decode", "IMAGE"]}},
            "position": [0, 0],
        },
        "decode": {
            "type": "VAEDecode",
            "inputs": {"samples": {"link": ["latent", "LATENT"]}},
            "position": [20, 20],
        },
        "latent": {"type": "EmptyLatentImage", "position": [40, 40]},
    },
}
