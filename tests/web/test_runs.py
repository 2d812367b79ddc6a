"""Runs: stopped, cancelled, begun too early, found again after a reload; and the seeds they use."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Server
from tests.web.person import (
    SLOW,
    command,
    finished,
    new_workflow,
    node,
    panel,
    paste_text,
    picture,
    ready,
    run,
    set_number,
    steadily,
    template,
    told,
)

pytestmark = pytest.mark.browser

LARGEST = 2**64 - 1


def long_run(page: Page, seed: int) -> None:
    """A run that takes until somebody stops it."""
    ready(page)
    set_number(page, "KSampler", "seed", seed)
    set_number(page, "KSampler", "steps", 5000)
    run(page)
    expect(node(page, "KSampler").get_by_role("progressbar")).to_be_visible(timeout=SLOW)


def seed_mode(page: Page, mode: str) -> None:
    page.get_by_role("button", name=re.compile("^seed mode")).click()
    page.get_by_role("menuitemradio", name=mode).click()


def last_seed(server: Server) -> int:
    """The seed of the newest run, as the server keeps it."""
    newest = json.loads(server.read("/v1/runs?limit=1"))["items"][0]
    workflow = json.loads(server.read(f"/v1/runs/{newest['id']}/workflow"))
    return workflow["nodes"]["sampler"]["inputs"]["seed"]


def test_stop_ends_a_run_and_the_next_one_works(page: Page):
    long_run(page, 101)
    page.get_by_role("button", name="Stop").click()
    told(page, "Stopped")
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()
    set_number(page, "KSampler", "steps", 2)
    run(page)
    finished(page)


def test_the_queue_panel_cancels_what_runs_and_what_waits(page: Page):
    long_run(page, 102)
    set_number(page, "KSampler", "seed", 103)
    run(page)
    queue = panel(page, "Queue")
    waiting = queue.get_by_role("article", name=re.compile("queued$"))
    expect(waiting).to_have_count(1, timeout=SLOW)
    queue.get_by_role("button", name="Cancel all that wait").click()
    expect(waiting).to_have_count(0)
    queue.get_by_role("article", name=re.compile("running$")).get_by_role("button").click()
    expect(queue.get_by_text("Nothing runs or waits.")).to_be_visible(timeout=SLOW)


def test_a_reload_in_mid_run_shows_its_progress_again(page: Page):
    long_run(page, 104)
    page.reload()
    expect(page.get_by_role("toolbar", name="Run").get_by_role("progressbar")).to_be_visible(timeout=SLOW)
    expect(node(page, "KSampler").get_by_role("progressbar")).to_be_visible(timeout=SLOW)
    expect(node(page, "KSampler").get_by_role("img")).to_be_visible(timeout=SLOW)
    before = node(page, "Load Checkpoint").get_by_text(re.compile(r"^(reused|[\d.]+ s)$"))
    expect(before).to_be_visible()
    command(page, "Stop")
    told(page, "Stopped")


def test_a_click_on_run_while_the_engine_starts_is_kept(fresh_page: Page):
    run(fresh_page)
    told(fresh_page, "Done in")
    expect(picture(fresh_page)).to_be_visible(timeout=SLOW)


def test_a_random_seed_rolls_on_the_second_run_and_what_is_shown_was_used(page: Page, server: Server):
    ready(page)
    seed = node(page, "KSampler").get_by_role("spinbutton", name="seed")
    set_number(page, "KSampler", "steps", 2)
    set_number(page, "KSampler", "seed", 77)
    run(page)
    finished(page)
    expect(seed).to_have_value("77")
    run(page)
    expect(seed).not_to_have_value("77")
    finished(page)
    steadily(page, lambda: str(last_seed(server)) == seed.input_value(), "another seed was used than shown")


def test_the_largest_seed_survives_typing_running_and_a_reload(page: Page, server: Server):
    ready(page)
    seed_mode(page, "Keep")
    set_number(page, "KSampler", "steps", 2)
    set_number(page, "KSampler", "seed", LARGEST)
    run(page)
    finished(page)
    assert last_seed(server) == LARGEST
    page.reload()
    expect(node(page, "KSampler").get_by_role("spinbutton", name="seed")).to_have_value(str(LARGEST))


def test_a_failure_is_told_on_the_node_where_it_happened(page: Page, server: Server):
    (server.home / "input" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing more")
    new_workflow(page)
    paste_text(page, json.dumps(BROKEN))
    run(page)
    told(page, "Failed")
    expect(node(page, "Load Image").get_by_role("alert")).to_be_visible()
    page.get_by_role("button", name=re.compile("problem")).click()
    problems = page.get_by_role("region", name="Problems")
    told_once = problems.get_by_role("button", name=re.compile("Load Image"))
    expect(told_once).to_have_count(1)  # the list of files may come a moment after the file
    told_once.click()
    expect(node(page, "Load Image")).to_have_attribute("aria-description", re.compile("selected"))


def test_a_run_is_leafed_through_from_static_to_picture(page: Page):
    template(page, "How a picture forms")
    run(page)
    finished(page)
    steps = node(page, "What the model sees")
    page.get_by_role("button", name="Workflows").first.click()  # the whole canvas for the graph
    command(page, "Fit the selection or all")
    slider = steps.get_by_role("slider", name="Picture")
    first = steps.get_by_role("img").last.get_attribute("src")
    slider.focus()
    slider.press("End")
    expect(steps.get_by_text("16 of 16")).to_be_visible()
    assert steps.get_by_role("img").last.get_attribute("src") != first


BROKEN = {
    "format": 1,
    "id": "broken",
    "title": "A picture that cannot be read",
    "nodes": {
        "load": {"type": "LoadImage", "inputs": {"image": "broken.png"}},
        "save": {
            "type": "SaveImage",
            "inputs": {"images": {"link": ["load", "IMAGE"]}},
            "position": [340, 0],
        },
    },
}


def test_texts_and_the_names_of_files_that_are_not_pictures_stand_on_the_nodes_that_made_them(page: Page):
    nodes = {
        "words": {"type": "PrimitiveString", "inputs": {"value": "a lighthouse at dusk"}},
        "said": {"type": "PreviewAny", "inputs": {"source": {"link": ["words", "STRING"]}}},
        "empty": {"type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "saved": {"type": "SaveLatent", "inputs": {"samples": {"link": ["empty", "LATENT"]}}},
    }
    new_workflow(page)
    paste_text(page, json.dumps({"format": 1, "id": "texts", "title": "", "nodes": nodes}))
    expect(node(page, "Preview as Text")).to_contain_text("What it makes appears here")
    run(page)
    finished(page)
    expect(node(page, "Preview as Text")).to_contain_text("a lighthouse at dusk")
    said = node(page, "SaveLatent").locator("pre")
    expect(said).to_contain_text(re.compile(r"Saved as \S+_00001_\.latent"))
    name = said.inner_text().removeprefix("Saved as ")
    assets = panel(page, "Assets")
    expect(assets.get_by_text("Reading…")).to_have_count(0)
    expect(assets.get_by_role("button", name=f"Open {name}")).to_have_count(0)
