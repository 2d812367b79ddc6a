from pathlib import Path

import pytest
import torch

from diffusion.checkpoint import Header, read_header
from diffusion.clip import alone
from tests import tiny
from tests.diffusion.families.full import faults, header_of, original_clip_l, original_open_clip


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with each network of SDXL in a file of its own. Read only."""
    return tiny.save_parts(tmp_path_factory.mktemp("parts"))


@pytest.mark.parametrize(
    ("tensors", "name"),
    [
        (lambda: original_clip_l("text_model."), "clip_l"),
        (lambda: original_clip_l("transformer.text_model."), "clip_l"),
        (lambda: original_open_clip("", 1024, 24), "clip_h"),
        (lambda: original_open_clip("model.", 1280, 32), "clip_g"),
    ],
)
def test_a_text_encoder_alone_in_a_file_is_told_by_its_layers(tensors, name):
    header = header_of(tensors())
    found = alone(header)
    assert (found.name, faults(header, found.part)) == (name, [])


def test_a_file_without_a_text_encoder_has_none():
    assert alone(Header("x", {})) is None


@pytest.mark.parametrize("file", ["clip_g", "open_clip_g"])
def test_a_projection_is_found_in_either_layout(parts, file):
    header = read_header(parts / "text_encoders" / f"{file}.safetensors")
    found = alone(header)
    assert (found.name, faults(header, found.part)) == ("clip_g", [])


def test_the_first_clip_has_no_projection(parts):
    header = read_header(parts / "text_encoders" / "clip_l.safetensors")
    assert "text_projection.weight" not in alone(header).part.sources


def test_both_layouts_hold_the_same_weights(parts):
    library = tiny.library(parts)
    files = ("clip_g.safetensors", "open_clip_g.safetensors")
    networks = [library.text_encoder([file]).towers[0].network for file in files]
    with networks[0].resident() as one, networks[1].resident() as other:
        ours, theirs = one.state_dict(), other.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
