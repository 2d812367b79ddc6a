"""What every screen owes its readers: contrast, names and roles. What strangers wrote stays text."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Request, expect

from tests.web.person import (
    add,
    command,
    finished,
    new_workflow,
    node,
    panel,
    paste_text,
    ready,
    run,
    select,
    set_number,
)

pytestmark = pytest.mark.browser

DIALOGS = ("Save as", "Settings", "Keyboard shortcuts", "About Photogram", "Find in the graph")


@pytest.fixture(params=["dark", "light"])
def themed(page: Page, request: pytest.FixtureRequest) -> Page:
    page.emulate_media(color_scheme=request.param)
    expect(page.locator("html")).to_have_attribute("data-theme", request.param)
    ready(page)
    return page


def faults(page: Page) -> list[str]:
    """All that axe finds; what opens over the window for a moment is no landmark, which it would like."""
    rules = {"region": {"enabled": False}}
    results = Axe().run(page, options={"resultTypes": ["violations"], "rules": rules})
    return [results.generate_report()] if results.violations_count else []


def test_where_less_motion_is_wanted_nothing_moves(page: Page):
    ready(page)
    slowly = page.context.new_cdp_session(page)
    slowly.send("Animation.enable")
    slowly.send("Animation.setPlaybackRate", {"playbackRate": 0.001})
    select(page, "KSampler")
    page.keyboard.press("Shift+F10")
    expect(page.get_by_role("menu", name="Node")).to_be_visible()
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert page.evaluate("document.getAnimations().length") == 0


def test_a_run_that_ended_reads_well(themed: Page):
    set_number(themed, "KSampler", "steps", 2)
    run(themed)
    finished(themed)
    select(themed, "KSampler")
    assert faults(themed) == []


def test_nodes_that_the_engine_has_not_described_yet_read_well(page: Page):
    ready(page)
    page.route("**/v1/nodes", lambda _: None)
    page.reload()
    expect(page.get_by_label("Waiting for the engine").first).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Reading the nodes")).to_be_visible()
    assert faults(page) == []


def test_a_node_with_a_problem_reads_well(themed: Page):
    new_workflow(themed)
    assert faults(themed) == []
    add(themed, "Save Image", 500, 200)
    run(themed)
    expect(node(themed, "Save Image").get_by_role("alert")).to_be_visible()
    command(themed, "Problems")
    assert faults(themed) == []


def test_a_camera_reads_well_off_and_refused(themed: Page):
    new_workflow(themed)
    add(themed, "Webcam Capture", 500, 200)
    assert faults(themed) == []
    themed.get_by_role("button", name="Start camera").click()
    expect(themed.get_by_role("button", name="Try again")).to_be_visible()
    assert faults(themed) == []


@pytest.mark.parametrize("name", ["Nodes", "Models", "Workflows", "Assets", "Queue"])
def test_a_panel_reads_well(themed: Page, name: str):
    expect(panel(themed, name)).to_be_visible()
    assert faults(themed) == []


def test_palette_menu_and_dialogs_read_well(themed: Page):
    select(themed, "KSampler")
    themed.keyboard.press("Shift+F10")
    expect(themed.get_by_role("menu", name="Node")).to_be_visible()
    assert faults(themed) == []
    themed.keyboard.press("Escape")
    command(themed, "Add a node")
    expect(themed.get_by_role("combobox", name="Add a node")).to_be_visible()
    assert faults(themed) == []
    themed.keyboard.press("Escape")
    for name in DIALOGS:
        command(themed, name)
        expect(themed.get_by_role("dialog")).to_be_visible()
        assert faults(themed) == []
        themed.keyboard.press("Escape")
        expect(themed.get_by_role("dialog")).to_have_count(0)


HOSTILE = "<img src=x onerror=hacked=1><script>hacked=1</script>"
LINKS = "[press](javascript:hacked=1) ![p](http://example.invalid/p.png) <b onclick=hacked=1>bold</b>"
STRANGE = {
    "format": 1,
    "id": "strange",
    "title": HOSTILE,
    "nodes": {
        "__proto__": {"type": "EmptyLatentImage", "title": HOSTILE, "inputs": {"width": 64}},
        "constructor": {
            "type": "toString",
            "title": "Unknown",
            "inputs": {"__proto__": {"link": ["__proto__", "LATENT"]}, "hasOwnProperty": 3},
            "position": [400, 0],
        },
    },
    "groups": [{"id": "__proto__", "title": HOSTILE, "bounds": [-20, -80, 340, 300]}],
    "notes": [{"id": "note", "text": f"{HOSTILE}\n\n{LINKS}", "position": [0, 300], "size": [400, 200]}],
}


def test_what_strangers_wrote_stays_text_and_their_ids_plain_data(page: Page):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(outside(request)))
    new_workflow(page)
    paste_text(page, json.dumps(STRANGE))
    expect(node(page, HOSTILE)).to_contain_text(HOSTILE)
    expect(page.get_by_role("region", name="Note")).to_contain_text("<img src=x")
    expect(page.get_by_role("link", name="press")).to_have_count(0)
    node(page, HOSTILE).get_by_role("spinbutton", name="width").fill("128")
    page.keyboard.press("Enter")
    saved = page.evaluate("JSON.stringify(photogram.document())")
    assert '"__proto__":{"type":"EmptyLatentImage"' in saved
    assert '"hasOwnProperty":3' in saved
    assert page.evaluate("[typeof hacked, Object.keys(Object.prototype).length]") == ["undefined", 0]
    assert set(asked) <= {""}


def outside(request: Request) -> str:
    """The address of a request that leaves this machine."""
    here = request.url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "blob:", "data:"))
    return "" if here else request.url
