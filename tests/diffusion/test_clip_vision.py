import numpy as np
import PIL.Image
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from diffusion.clip_vision import MEAN, SPREAD, see, side_px, squared, vision_part
from diffusion.errors import UnknownCheckpoint
from tests import tiny
from tests.diffusion.families.full import faults, header_of

PICTURE = torch.rand(2, 28, 28, 3, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A models folder with the small image encoder in both layouts."""
    root = tmp_path_factory.mktemp("models")
    (root / "clip_vision").mkdir()
    for layout in ("library", "open"):
        tiny.save_image_encoder(root / "clip_vision" / f"{layout}.safetensors", layout)
    return root


@pytest.mark.parametrize("layout", ["library", "open"])
def test_what_is_seen_is_what_the_library_s_encoder_sees(folder, layout):
    encoder = tiny.library(folder).clip_vision(f"{layout}.safetensors")
    expected = tiny.image_encoder()(pixel_values=squared(PICTURE, 28), output_hidden_states=True)
    found = see(encoder, PICTURE)
    assert torch.allclose(found.image_embeds, expected.image_embeds, atol=1e-5)
    assert torch.allclose(found.last_hidden_state, expected.last_hidden_state, atol=1e-5)
    assert torch.allclose(found.penultimate_hidden_states, expected.hidden_states[-2], atol=1e-5)


@pytest.mark.parametrize(("width", "layers"), [(1024, 24), (1280, 32)])
@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.slow
def test_a_full_size_encoder_has_no_weight_missing_or_left_over_or_misshapen(width, layers, is_open):
    config = CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=16,
        image_size=224,
        patch_size=14,
        projection_dim=768,
    )
    with torch.device("meta"):
        state = CLIPVisionModelWithProjection(config).state_dict()
        tensors = tiny.open_visual(state, "embedder.model.visual.", layers) if is_open else state
    header = header_of(tensors)
    part = vision_part(header)
    assert (faults(header, part), side_px(header, part)) == ([], 224)


def test_a_file_without_an_image_encoder_is_refused(folder, tmp_path):
    (tmp_path / "clip_vision").mkdir()
    tiny.save_lora(tmp_path / "clip_vision" / "odd.safetensors")
    with pytest.raises(UnknownCheckpoint, match="not an image encoder"):
        tiny.library(tmp_path).clip_vision("odd.safetensors")


@given(st.integers(29, 90), st.integers(29, 90), st.sampled_from(["center", "none"]))
def test_every_picture_becomes_a_square(height, width, crop):
    assert squared(torch.zeros(1, height, width, 3), 28, crop).shape == (1, 3, 28, 28)


def test_shades_are_those_of_a_picture_s_bytes_normalised():
    grey = torch.full((1, 28, 28, 3), 0.5004)
    expected = (128 / 255 - torch.tensor(MEAN)) / torch.tensor(SPREAD)
    assert torch.allclose(squared(grey, 28)[0, :, 0, 0], expected, atol=1e-6)


def test_the_middle_is_seen_or_all_of_it():
    halves = torch.cat((torch.zeros(1, 28, 28, 3), torch.ones(1, 28, 28, 3)), 2)
    middle, whole = (squared(halves, 28, crop)[0, 0, 14] for crop in ("center", "none"))
    assert torch.unique(middle).numel() == 2 and whole[0] == middle[0] and whole[-1] == middle[-1]


def test_resizing_is_close_to_that_of_pillow():
    picture = torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(1))
    pixels = (picture[0] * 255).round().to(torch.uint8)
    small = PIL.Image.fromarray(pixels.numpy()).resize((28, 28), PIL.Image.Resampling.BICUBIC)
    expected = (torch.from_numpy(np.array(small)) / 255 - torch.tensor(MEAN)) / torch.tensor(SPREAD)
    ours = squared(pixels[None] / 255, 28)[0].movedim(0, -1)
    assert (ours - expected).abs().max() < 0.05
