from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from diffusion import preview as previews
from diffusion.families.sd15 import SD15
from tests import tiny
from tests.diffusion.toy import toy_model


def preview(denoised, family=SD15):
    return previews.preview(denoised, replace(toy_model(), family=family))


def test_a_preview_has_one_pixel_for_each_cell_of_the_first_latent():
    assert preview(torch.zeros(2, 4, 6, 9))().size == (9, 6)


def test_an_empty_latent_is_middle_grey():
    assert preview(torch.zeros(1, 4, 2, 2))().getpixel((0, 0)) == (127, 127, 127)


def test_channels_become_colours_by_the_factors_of_the_family():
    family = replace(SD15, preview=((1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)), preview_bias=(0, 0, 0.5))
    latent = torch.tensor([1.0, -1.0, 0.0, 9.0]).view(1, 4, 1, 1)
    assert preview(latent, family)().getpixel((0, 0)) == (255, 0, 191)


def test_broken_numbers_still_make_a_picture():
    assert preview(torch.full((1, 4, 2, 2), float("nan")))().getpixel((0, 0)) == (0, 0, 0)


@pytest.fixture
def folder(tmp_path):
    """A models folder with a decoder in the layout of its author."""
    (tiny.models(tmp_path) / "vae_approx").mkdir()
    save_file(tiny.taesd_half("decoder"), tmp_path / "vae_approx" / "taesd_decoder.safetensors")
    return tmp_path


def test_a_tiny_network_sees_what_the_library_s_does(folder):
    model = tiny.library(folder).checkpoint(tiny.CHECKPOINT).model
    latent = torch.randn(2, 4, 6, 8, generator=torch.Generator().manual_seed(1)) * 4
    seen = tiny.taesd().decoder(latent[:1])[0]
    expected = ((seen + 1) / 2).clamp(0, 1).movedim(0, -1) * 255
    picture = previews.preview(latent, model)()
    assert picture.size == (64, 48)
    assert float((torch.tensor(np.asarray(picture)).float() - expected).abs().max()) <= 1


def test_a_large_latent_is_made_smaller_first(folder):
    model = tiny.library(folder).checkpoint(tiny.CHECKPOINT).model
    assert max(previews.preview(torch.zeros(1, 4, 100, 50), model)().size) == 512


def test_a_damaged_tiny_network_does_not_stop_anybody(folder):
    (folder / "vae_approx" / "taesd_decoder.safetensors").write_bytes(b"hello")
    assert tiny.library(folder).checkpoint(tiny.CHECKPOINT).model.previewer is None


def test_a_checkpoint_with_a_vae_of_its_own_has_a_tiny_network_of_its_own(folder):
    own = {"preview.latent_rgb": "[[1,0,0],[0,1,0],[0,0,1],[0,0,0],[0,0,0]]"}
    tiny.save_checkpoint(folder / "checkpoints" / "own.safetensors", metadata=own)
    assert tiny.library(folder).checkpoint("own.safetensors").model.previewer is None
    tinies = folder / "vae_approx"
    (tinies / "taesd_decoder.safetensors").rename(tinies / "own_taesd_decoder.safetensors")
    assert tiny.library(folder).checkpoint("own.safetensors").model.previewer is not None
    assert tiny.library(folder).checkpoint(tiny.CHECKPOINT).model.previewer is None
