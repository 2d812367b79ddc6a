"""Workflows found inside pictures and videos."""

import io
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from diffusion.values import Footage
from diffusion.values import Image as Frames
from diffusion.video_saving import H264, encoded, write_video
from graph.errors import UnreadableWorkflow
from server.embedded import workflow_in
from tests.films import film


def picture(format: str, **save: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, format, **save)
    return out.getvalue()


def texts(**entries: str) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    for key, text in entries.items():
        info.add_text(key, text)
    return info


def test_a_png_gives_its_workflow_rather_than_its_prompt():
    assert workflow_in(picture("PNG", pnginfo=texts(prompt="{1}", workflow="{2}"))) == "{2}"


def test_a_png_with_only_a_prompt_gives_that():
    assert workflow_in(picture("PNG", pnginfo=texts(prompt='{"é": 1}'))) == '{"é": 1}'


@pytest.mark.parametrize("format", ["WEBP", "JPEG"])
def test_a_workflow_in_exif_is_found(format):
    exif = Image.Exif()
    exif[0x0110], exif[0x010F] = 'prompt:{"a": 1}', 'workflow:{"b": 2}'
    assert workflow_in(picture(format, exif=exif)) == '{"b": 2}'


def test_what_is_no_picture_is_told_apart():
    assert workflow_in(b'{"format": 1}') is None


def test_a_picture_without_a_workflow_is_refused_in_a_sentence():
    with pytest.raises(UnreadableWorkflow, match="has no workflow inside"):
        workflow_in(picture("PNG"))


@given(st.integers(0, 400), st.integers(0, 255), st.integers(0, 400))
def test_a_damaged_picture_gives_a_workflow_a_sentence_or_nothing(place, value, length):
    data = bytearray(picture("PNG", pnginfo=texts(workflow="{}" * 50)))
    data[place % len(data)] = value
    try:
        found = workflow_in(bytes(data[:length]))
    except UnreadableWorkflow as error:
        found = error.message
    assert found is None or isinstance(found, str)


@pytest.mark.parametrize("container", ["mp4", "webm"])
def test_a_workflow_in_a_video_is_found(container):
    words = {"prompt": '{"a": 1}', "workflow": '{"b": "\u00fc"}'}
    assert workflow_in(film(container, texts=words)) == words["workflow"]
    assert workflow_in(film(container, texts={"prompt": "{}"})) == "{}"


def test_the_head_of_a_video_that_was_saved_here_is_enough(tmp_path):
    made = encoded(Footage(Frames(torch.rand(9, 64, 64, 3)), Fraction(9)), H264, lambda done, total: None)
    write_video(made, tmp_path / "a.mp4", {"workflow": "{}"})
    data = (tmp_path / "a.mp4").read_bytes()
    assert workflow_in(data[: len(data) // 3]) == "{}"


def test_a_video_without_a_workflow_or_cut_short_is_refused_in_a_sentence():
    with pytest.raises(UnreadableWorkflow, match="This video has no workflow inside"):
        workflow_in(film())
    with pytest.raises(UnreadableWorkflow, match="This video is damaged"):
        workflow_in(film()[:-400])
