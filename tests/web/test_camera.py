"""A node that takes pictures with the camera: of a fake device, whose picture changes all the time."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.person import (
    SLOW,
    add,
    connect,
    document,
    finished,
    new_workflow,
    node,
    picture,
    run,
    select,
)

pytestmark = pytest.mark.browser


@pytest.fixture
def camera(page: Page) -> Iterator[Locator]:
    """The node, and one that saves its picture; the browser lets the page use the camera."""
    page.context.grant_permissions(["camera"])
    new_workflow(page)
    add(page, "Webcam Capture", 420, 160)
    add(page, "Save Image", 900, 160)
    connect(page, "Webcam Capture", "IMAGE", "Save Image", "images")
    yield node(page, "Webcam Capture")


def button(camera: Locator, name: str) -> Locator:
    return camera.get_by_role("button", name=name, exact=True)


def captured(page: Page) -> str:
    return document(page)["nodes"]["webcam_capture"]["inputs"]["image"]


def test_each_run_takes_a_new_picture_and_is_refused_while_the_camera_is_off(page: Page, camera: Locator):
    run(page)
    expect(camera.get_by_role("alert")).to_contain_text("The camera is off")
    button(camera, "Start camera").click()
    expect(camera.get_by_label("Camera", exact=True)).to_be_visible()
    expect(camera.get_by_role("alert")).to_have_count(0)
    run(page)
    finished(page)
    expect(picture(page)).to_be_visible(timeout=SLOW)
    first = captured(page)
    assert re.fullmatch(r"webcam [-\d]+ [.\d]+( \(\d\))?\.png", first)
    shown = picture(page).get_attribute("src")
    run(page)
    expect(picture(page)).not_to_have_attribute("src", shown, timeout=SLOW)
    assert captured(page) != first


def test_a_picture_is_captured_kept_and_taken_again_by_keyboard(page: Page, camera: Locator):
    camera.get_by_role("switch", name="capture_on_queue").click()
    select(page, "Webcam Capture")
    page.keyboard.press("Enter")
    button(camera, "Start camera").press("Enter")
    button(camera, "Capture").press("Enter")
    expect(camera.get_by_role("img", name="Captured")).to_be_visible()
    expect(button(camera, "Take again")).to_be_focused()
    expect(button(camera, "Stop camera")).to_have_count(0)
    first = captured(page)
    run(page)
    finished(page)
    assert captured(page) == first
    button(camera, "Take again").press("Enter")
    with page.expect_response("**/v1/files"):
        button(camera, "Capture").press("Enter")
    expect(button(camera, "Take again")).to_be_visible()


def test_the_camera_is_off_after_another_workflow_was_in_front(page: Page, camera: Locator):
    button(camera, "Start camera").click()
    expect(button(camera, "Capture")).to_be_visible()
    page.get_by_role("button", name="Text to image", exact=True).click()
    expect(camera).to_have_count(0)
    page.get_by_role("button", name="Untitled").first.click()
    expect(button(camera, "Start camera")).to_be_visible()


def test_a_page_that_may_not_use_the_camera_says_what_to_do(page: Page, camera: Locator):
    page.context.clear_permissions()
    button(camera, "Start camera").click()
    expect(camera.get_by_role("status")).to_contain_text("may not use the camera")
    expect(button(camera, "Try again")).to_be_visible()
