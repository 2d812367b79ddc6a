"""A graph seen from far: one picture, in which every node can still be found, chosen and moved."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from bench.editor import chain, place
from tests.web.person import canvas, document, drop, new_workflow, node, ready, steadily

pytestmark = pytest.mark.browser


@pytest.fixture
def far(page: Page) -> Page:
    """Fifty nodes, all in view."""
    ready(page)
    new_workflow(page)
    drop(page, canvas(page), "fifty.json", json.dumps(chain(50)).encode(), "application/json")
    expect(node(page, "KSampler (sampler0)")).to_be_visible()
    steadily(page, lambda: place(page)[0] < 0.4, "the graph is not seen from far")
    return page


def wires(page: Page) -> int:
    return page.get_by_role("img", name=re.compile("^Edge from")).count()


def test_from_far_nodes_have_names_and_no_contents(far: Page):
    assert far.get_by_role("group", name=re.compile("^KSampler")).count() == 10
    assert far.get_by_role("spinbutton").count() == 0
    assert wires(far) == 0


def test_a_node_seen_from_far_is_chosen_and_moved_where_it_is_drawn(far: Page):
    before = document(far)["nodes"]["sampler3"]["position"]
    zoom, left, top = place(far)
    at = left + (before[0] + 60) * zoom, top + (before[1] + 60) * zoom
    far.mouse.move(*at)
    far.mouse.down()
    far.mouse.move(at[0] + 20, at[1] + 10, steps=4)
    far.mouse.up()
    expect(node(far, "KSampler (sampler3)")).to_have_attribute("aria-description", re.compile("selected"))
    after = document(far)["nodes"]["sampler3"]["position"]
    assert after[0] - before[0] == pytest.approx(20 / zoom, abs=6 / zoom)
    assert after[1] - before[1] == pytest.approx(10 / zoom, abs=6 / zoom)


def test_coming_near_brings_contents_and_wires_back(far: Page):
    canvas(far).press("Home")
    expect(node(far, "CLIP Text Encode (Prompt) (text0)").get_by_role("textbox")).to_be_visible()
    steadily(far, lambda: wires(far) > 3, "the wires are not drawn")
    assert document(far)["nodes"]["text0"]["inputs"]["text"] == "prompt 0"


def test_a_node_stands_where_it_belongs_however_many_before_it_are_out_of_view(far: Page):
    canvas(far).press("End")
    last = node(far, "VAE Decode (decode9)")
    expect(last.get_by_role("button", name=re.compile("^output IMAGE"))).to_be_visible()
    zoom, left, top = place(far)
    x, y = document(far)["nodes"]["decode9"]["position"]
    box = last.bounding_box()
    assert box["x"] == pytest.approx(left + x * zoom, abs=1)
    assert box["y"] == pytest.approx(top + y * zoom, abs=1)
