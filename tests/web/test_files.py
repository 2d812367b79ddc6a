"""Workflows saved and opened, pictures put in, files of the field opened."""

import json
import re
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import ROOT, Server
from tests.web.person import (
    SLOW,
    add,
    canvas,
    connected,
    document,
    drop,
    finished,
    new_workflow,
    node,
    panel,
    paste_file,
    paste_text,
    picture,
    ready,
    run,
    select,
    set_number,
    steadily,
    template,
)

pytestmark = pytest.mark.browser

APPLE = (ROOT / "workflows" / "inputs" / "photogram_apple.png").read_bytes()


def save_as(page: Page, name: str) -> None:
    page.keyboard.press("Control+s")
    dialog = page.get_by_role("dialog", name="Save as")
    dialog.get_by_role("textbox", name="Name").fill(name)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)


def change_elsewhere(server: Server, name: str) -> None:
    """As another browser would."""
    address = f"{server.url}/v1/workflows/{name}"
    with urllib.request.urlopen(address, timeout=5) as answer:
        revision, document = answer.headers["ETag"], json.load(answer)
    headers = {"Content-Type": "application/json", "If-Match": revision}
    body = json.dumps(document | {"title": "Changed elsewhere"}).encode()
    urllib.request.urlopen(urllib.request.Request(address, body, headers, method="PUT"), timeout=5)


def loaded(page: Page, name: str) -> str:
    """The picture that the node which loads one has in the document, once its name is shown."""
    expect(node(page, "Load Image").get_by_role("combobox", name="image")).to_contain_text(name)
    nodes = document(page)["nodes"].values()
    return next(each["inputs"]["image"] for each in nodes if each["type"] == "LoadImage")


def test_a_workflow_is_saved_changed_saved_again_and_opened_from_the_panel(page: Page):
    ready(page)
    save_as(page, "first steps")
    set_number(page, "KSampler", "steps", 9)
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved", exact=True).first).to_be_visible()
    new_workflow(page)
    page.get_by_role("button", name=re.compile("^Close Text to image")).click()
    panel(page, "Workflows").get_by_role("button", name=re.compile("Text to image")).first.click()
    expect(node(page, "KSampler").get_by_role("spinbutton", name="steps")).to_have_value("9")


def test_a_workflow_changed_elsewhere_is_not_overwritten_unasked(page: Page, server: Server):
    ready(page)
    save_as(page, "shared")
    change_elsewhere(server, "shared")
    set_number(page, "KSampler", "steps", 8)
    page.keyboard.press("Control+s")
    dialog = page.get_by_role("dialog", name="Save as")
    expect(dialog).to_be_visible()
    dialog.get_by_role("textbox", name="Name").fill("shared, mine")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    assert json.loads(server.read("/v1/workflows/shared"))["title"] == "Changed elsewhere"
    mine = json.loads(server.read("/v1/workflows/shared%2C%20mine"))
    assert mine["nodes"]["sampler"]["inputs"]["steps"] == 8


def test_replacing_what_was_changed_elsewhere_is_one_press_more(page: Page, server: Server):
    ready(page)
    save_as(page, "replaced")
    change_elsewhere(server, "replaced")
    set_number(page, "KSampler", "steps", 7)
    page.keyboard.press("Control+s")
    dialog = page.get_by_role("dialog", name="Save as")
    dialog.get_by_role("button", name="Save").click()
    dialog.get_by_role("button", name="Replace").click()
    expect(dialog).to_have_count(0)
    assert json.loads(server.read("/v1/workflows/replaced"))["nodes"]["sampler"]["inputs"]["steps"] == 7


def test_a_template_opens_and_runs_with_its_example_picture(page: Page):
    template(page, "Image to image")
    run(page)
    finished(page)
    expect(picture(page)).to_be_visible(timeout=SLOW)


def test_a_picture_is_chosen_from_this_computer(page: Page, tmp_path: Path):
    new_workflow(page)
    add(page, "Load Image", 500, 200)
    with page.expect_file_chooser() as choosing:
        node(page, "Load Image").get_by_role("button", name="Upload image").click()
    (tmp_path / "chosen by hand.png").write_bytes(APPLE)
    choosing.value.set_files(tmp_path / "chosen by hand.png")
    assert loaded(page, "chosen by hand").startswith("chosen by hand")


def test_a_picture_is_dropped_on_the_node_that_loads_it(page: Page):
    new_workflow(page)
    add(page, "Load Image", 500, 200)
    place = node(page, "Load Image").get_by_role("button", name="Upload image")
    drop(page, place, "dropped.png", APPLE, "image/png")
    assert loaded(page, "dropped").startswith("dropped")


def test_a_picture_is_pasted_into_the_selected_node(page: Page):
    new_workflow(page)
    add(page, "Load Image", 500, 200)
    select(page, "Load Image")
    paste_file(page, "pasted.png", APPLE, "image/png")
    assert loaded(page, "pasted").startswith("pasted")


def test_a_picture_that_arrives_late_is_not_put_into_another_workflow(page: Page):
    new_workflow(page)
    add(page, "Load Image", 500, 200)
    held = []
    page.route("**/v1/files", lambda route: held.append(route))
    place = node(page, "Load Image").get_by_role("button", name="Upload image")
    drop(page, place, "late.png", APPLE, "image/png")
    steadily(page, lambda: held, "nothing was sent")
    new_workflow(page)
    add(page, "Load Image", 500, 200)
    with page.expect_response("**/v1/models"):
        held[0].continue_()
    expect(node(page, "Load Image").get_by_role("combobox", name="image")).not_to_contain_text("late")
    assert not document(page)["nodes"]["load_image"]["inputs"]["image"].startswith("late")


def test_a_result_that_is_gone_says_so(page: Page):
    new_workflow(page)
    chosen = {"type": "LoadImageOutput", "inputs": {"image": "gone.png"}}
    paste_text(page, json.dumps({"format": 1, "id": "gone", "title": "", "nodes": {"load": chosen}}))
    expect(page.get_by_text("This result is gone")).to_be_visible()


def test_a_preview_whose_file_is_gone_says_so(page: Page):
    template(page, "Image to image")
    reads = {"type": "LoadImage", "inputs": {"image": "photogram_apple.png"}}
    shows = {"type": "PreviewImage", "inputs": {"images": {"link": ["read", "IMAGE"]}}}
    new_workflow(page)
    nodes = {"read": reads, "show": shows}
    paste_text(page, json.dumps({"format": 1, "id": "seen", "title": "", "nodes": nodes}))
    page.route("**/v1/files/temp/**", lambda route: route.fulfill(status=404))
    run(page)
    expect(page.get_by_text("This picture is gone")).to_be_visible(timeout=SLOW)


def test_a_picture_without_a_workflow_dropped_on_the_canvas_becomes_a_node(page: Page):
    new_workflow(page)
    drop(page, canvas(page), "plain.png", APPLE, "image/png")
    assert loaded(page, "plain").startswith("plain")


def test_a_picture_made_here_opens_the_workflow_it_was_made_by(page: Page, server: Server):
    ready(page)
    set_number(page, "KSampler", "seed", 2**63)
    set_number(page, "KSampler", "steps", 2)
    run(page)
    finished(page)
    made = json.loads(server.read("/v1/files?folder=output&limit=1"))["items"][0]["name"]
    data = server.read(f"/v1/files/output/{made}")
    new_workflow(page)
    drop(page, canvas(page), "made.png", data, "image/png")
    page.get_by_role("button", name="Open the workflow").click()
    expect(node(page, "KSampler").get_by_role("spinbutton", name="seed")).to_have_value(str(2**63))
    connected(page, "Save Image", "images")


def test_a_prompt_file_of_the_field_opens_with_its_unknown_node(page: Page):
    new_workflow(page)
    drop(page, canvas(page), "prompt.json", json.dumps(PROMPT).encode(), "application/json")
    connected(page, "KSampler", "latent_image")
    unknown = node(page, "FancyLatent")
    expect(unknown).to_contain_text("FancyLatent")
    assert document(page)["nodes"]["7"]["inputs"] == {"strength": 0.5, "words": "kept"}


def test_an_editor_file_of_the_field_opens_with_notes_states_and_unknown_nodes(page: Page):
    new_workflow(page)
    drop(page, canvas(page), "editor.json", json.dumps(EDITOR).encode(), "application/json")
    connected(page, "VAE Decode", "samples")
    expect(page.get_by_role("region", name="Note")).to_contain_text("written by hand")
    expect(node(page, "FancyLatent")).to_be_visible()
    expect(node(page, "Save Image")).to_have_attribute("aria-description", re.compile("off"))
    states = [each.get("state", "on") for each in document(page)["nodes"].values()]
    assert states.count("off") == 1


PROMPT = {
    "3": {
        "class_type": "KSampler",
        "inputs": {"latent_image": ["7", 0], "seed": 5, "steps": 20, "cfg": 8, "sampler_name": "euler"},
    },
    "7": {"class_type": "FancyLatent", "inputs": {"strength": 0.5, "words": "kept"}},
}
EDITOR = {
    "last_node_id": 6,
    "last_link_id": 4,
    "version": 0.4,
    "nodes": [
        {
            "id": 1,
            "type": "FancyLatent",
            "pos": [0, 0],
            "size": [210, 80],
            "mode": 0,
            "inputs": [],
            "outputs": [{"name": "LATENT", "type": "LATENT", "links": [1]}],
            "widgets_values": [0.5, "kept"],
        },
        {
            "id": 2,
            "type": "Reroute",
            "pos": [300, 0],
            "size": [75, 26],
            "mode": 0,
            "inputs": [{"name": "", "type": "*", "link": 1}],
            "outputs": [{"name": "", "type": "LATENT", "links": [2]}],
        },
        {
            "id": 3,
            "type": "VAEDecode",
            "pos": [450, 0],
            "size": [210, 60],
            "mode": 0,
            "inputs": [
                {"name": "samples", "type": "LATENT", "link": 2},
                {"name": "vae", "type": "VAE", "link": None},
            ],
            "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [3]}],
        },
        {
            "id": 4,
            "type": "SaveImage",
            "pos": [750, 0],
            "size": [300, 300],
            "mode": 2,
            "inputs": [{"name": "images", "type": "IMAGE", "link": 3}],
            "outputs": [],
            "widgets_values": ["field"],
        },
        {
            "id": 5,
            "type": "Note",
            "pos": [0, 300],
            "size": [300, 120],
            "mode": 0,
            "inputs": [],
            "outputs": [],
            "widgets_values": ["written by hand"],
        },
    ],
    "links": [[1, 1, 0, 2, 0, "LATENT"], [2, 2, 0, 3, 0, "LATENT"], [3, 3, 0, 4, 0, "IMAGE"]],
    "groups": [],
    "config": {},
    "extra": {},
}
