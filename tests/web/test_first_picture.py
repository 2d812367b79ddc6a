"""From an empty canvas to a picture; then a word changes, the page reloads, the power goes."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Server, wait_until
from tests.web.person import (
    SLOW,
    add,
    connect,
    finished,
    new_workflow,
    node,
    picture,
    ready,
    rename,
    run,
    set_number,
    write,
)

pytestmark = pytest.mark.browser

PLACES = (
    ("Load Checkpoint", 130, 120),
    ("CLIP Text Encode (Prompt)", 480, 120),
    ("Empty Latent Image", 480, 600),
    ("KSampler", 800, 160),
    ("VAE Decode", 1100, 120),
    ("Save Image", 1100, 320),
)
WIRES = (
    ("Load Checkpoint", "MODEL", "KSampler", "model"),
    ("Load Checkpoint", "CLIP", "Positive", "clip"),
    ("Load Checkpoint", "CLIP", "Negative", "clip"),
    ("Load Checkpoint", "VAE", "VAE Decode", "vae"),
    ("Positive", "CONDITIONING", "KSampler", "positive"),
    ("Negative", "CONDITIONING", "KSampler", "negative"),
    ("Empty Latent Image", "LATENT", "KSampler", "latent_image"),
    ("KSampler", "LATENT", "VAE Decode", "samples"),
    ("VAE Decode", "IMAGE", "Save Image", "images"),
)


def build_text_to_image(page: Page) -> None:
    new_workflow(page)
    for kind, x, y in PLACES[:2]:
        add(page, kind, x, y)
    rename(page, "CLIP Text Encode (Prompt)", "Positive")
    add(page, "CLIP Text Encode (Prompt)", 480, 360)
    rename(page, "CLIP Text Encode (Prompt)", "Negative")
    for kind, x, y in PLACES[2:]:
        add(page, kind, x, y)
    for wire in WIRES:
        connect(page, *wire)
    write(page, "Positive", "text", "a red apple on a blue background")
    set_number(page, "Empty Latent Image", "width", 128)
    set_number(page, "Empty Latent Image", "height", 128)
    set_number(page, "KSampler", "cfg", 4)


def reused(page: Page) -> set[str]:
    """The titles of the nodes that say they were not run again."""
    groups = page.get_by_role("group").filter(has=page.get_by_text("reused", exact=True))
    return {groups.nth(index).get_attribute("aria-label") for index in range(groups.count())}


def test_a_person_builds_text_to_image_sees_it_form_changes_a_word_and_reloads(page: Page):
    build_text_to_image(page)
    page.get_by_role("button", name=re.compile("^seed mode")).click()
    page.get_by_role("menuitemradio", name="Keep").click()

    run(page)
    preview = node(page, "KSampler").get_by_role("img")
    expect(preview).to_be_visible(timeout=SLOW)
    first = preview.get_attribute("src")
    expect(preview).not_to_have_attribute("src", first, timeout=SLOW)
    finished(page)
    expect(picture(page)).to_be_visible(timeout=SLOW)

    write(page, "Positive", "text", "a green frog on a blue background")
    before = picture(page).get_attribute("src")
    run(page)
    expect(picture(page)).not_to_have_attribute("src", before, timeout=SLOW)
    finished(page)
    assert reused(page) == {"Load Checkpoint", "Negative", "Empty Latent Image"}

    document = page.evaluate("photogram.document()")
    page.reload()
    expect(node(page, "Positive").get_by_role("textbox", name="text")).to_have_value(
        "a green frog on a blue background", timeout=SLOW
    )
    expect(picture(page)).to_be_visible(timeout=SLOW)
    assert page.evaluate("photogram.document()") == document


def test_a_run_survives_kill_9_of_the_server(fresh_page: Page, fresh_server: Server):
    page, server = fresh_page, fresh_server
    ready(page)
    set_number(page, "KSampler", "steps", 60)
    run(page)
    expect(node(page, "KSampler").get_by_role("img")).to_be_visible(timeout=SLOW)
    server.kill()
    expect(page.get_by_text("connection", exact=False).first).to_be_visible(timeout=SLOW)
    server.start()
    expect(picture(page)).to_be_visible(timeout=2 * SLOW)
    wait_until(lambda: picture(page).evaluate("image => image.naturalWidth") == 512, 20, "no whole picture")


def test_an_example_is_one_click_and_leaves_for_words_of_ones_own(fresh_page: Page):
    page = fresh_page
    ready(page)
    examples = page.get_by_role("group", name="Examples for prompt")
    examples.get_by_role("button", name="a castle at sunset").click()
    prompt = node(page, "Positive prompt").get_by_role("textbox", name="text")
    expect(prompt).to_have_value("a castle at sunset")
    finished(page)
    expect(picture(page)).to_be_visible(timeout=SLOW)
    expect(examples.get_by_role("button", pressed=True)).to_have_text("a castle at sunset")

    write(page, "Positive prompt", "text", "a castle in the snow")
    expect(examples).to_have_count(0)
    prompt.press("Control+z")
    expect(examples).to_be_visible()
