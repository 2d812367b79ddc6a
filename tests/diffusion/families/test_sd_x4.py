from dataclasses import replace

import pytest
import torch
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint
from safetensors.torch import load_file

from diffusion.blocks import UnetShape, VaeShape
from diffusion.checkpoint import Header
from diffusion.encode import encode as encode_text
from diffusion.errors import FamilyMismatch
from diffusion.families import FAMILIES, understands
from diffusion.families.sd2 import SD2
from diffusion.families.sd15 import SD15
from diffusion.families.sd_x4 import SD_X4
from diffusion.guidance import cfg
from diffusion.library import Checkpoint
from diffusion.networks import Vector
from diffusion.prediction import VELOCITY
from diffusion.sample import Guider
from diffusion.tiles import Tiles
from diffusion.vae import TILES, decode, encode
from diffusion.values import Image, Latent
from nodes.sampling import ksampler
from nodes.upscale_diffusion import show_small_picture
from nodes.vae import vae_decode
from tests import tiny
from tests.diffusion.families.full import (
    faults,
    header_of,
    original_open_clip,
    original_unet,
    original_vae,
    weights,
)

UNET = UnetShape(
    (256, 512, 512, 1024),
    (2, 2, 2, 2),
    (0, 1, 1, 1),
    1,
    1024,
    True,
    7,
    classes=1000,
    crosses=(False, True, True, False),
)
CONFIG = {
    "in_channels": 7,
    "block_out_channels": (256, 512, 512, 1024),
    "down_block_types": ("DownBlock2D", *("CrossAttnDownBlock2D",) * 3),
    "up_block_types": (*("CrossAttnUpBlock2D",) * 3, "UpBlock2D"),
    "only_cross_attention": (True, True, True, False),
    "cross_attention_dim": 1024,
    "attention_head_dim": 8,
    "use_linear_projection": True,
    "num_class_embeds": 1000,
}
"""As published with the model."""
RANDOM = torch.Generator().manual_seed(7)
PICTURE = Image(torch.rand(1, 8, 12, 3, generator=RANDOM))


@pytest.fixture(scope="module")
def full() -> Header:
    """The header of a full-size upscaler."""
    text = original_open_clip("cond_stage_model.model.", 1024, 24)
    schedule = {"low_scale_model.betas": torch.empty(1000, device="meta")}
    vae = original_vae(VaeShape((128, 256, 512), 2, 4))
    return header_of(original_unet(UNET, **CONFIG) | vae | text | schedule)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A models folder with a small upscaler, and with its VAE in a file of its own."""
    folder = tmp_path_factory.mktemp("x4")
    for kind in ("checkpoints", "vae"):
        (folder / kind).mkdir()
    tiny.save_x4(folder / "checkpoints" / "x4.safetensors")
    tiny.saved(folder / "vae" / "x4.safetensors", tiny.vae(6, tiny.X4_VAE_CHANNELS).state_dict())
    return folder


@pytest.fixture(scope="module")
def x4(folder) -> Checkpoint:
    """The small checkpoint."""
    return tiny.library(folder).checkpoint("x4.safetensors")


@pytest.mark.parametrize("index", range(3), ids=("network", "text", "vae"))
@pytest.mark.slow
def test_no_weight_of_the_full_size_checkpoint_is_missing_or_left_over_or_misshapen(full, index):
    parts = SD_X4.parts(full)
    assert faults(full, (parts.network, *parts.texts, parts.vae)[index]) == []


@pytest.mark.slow
def test_the_full_size_network_has_the_published_number_of_weights(full):
    assert round(weights(full, SD_X4.parts(full).network), -4) == 473_400_000


@pytest.mark.slow
@pytest.mark.slow
def test_the_full_size_network_s_names_are_those_the_reference_conversion_expects(full):
    tensors = original_unet(UNET, **CONFIG)
    settings = {**CONFIG, "layers_per_block": 2, "class_embed_type": "timestep"}
    converted = convert_ldm_unet_checkpoint(tensors | linear_class(tensors), settings)
    ours = SD_X4.parts(full).network.sources.keys()
    assert {key for key in converted if "class_embedding" not in key} == ours - {"class_embedding.weight"}


def linear_class(tensors):
    """What that conversion reads of a class, instead of the table."""
    names = ("0.0.weight", "0.0.bias", "0.2.weight", "0.2.bias")
    return {f"model.diffusion_model.label_emb.{name}": next(iter(tensors.values())) for name in names}


def test_only_this_family_recognises_the_file(full):
    assert [family.name for family in FAMILIES if family.refuses(full) is None] == ["sd_x4"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"in_channels": 4}, "sees no small picture"), ({"num_class_embeds": None}, "how noisy")],
)
def test_other_networks_of_the_same_width_are_refused(changes, reason):
    assert reason in SD_X4.refuses(header_of(original_unet(UNET, **CONFIG | changes)))


def test_latents_and_noise_are_those_it_was_trained_with(x4):
    noise = x4.model.noise
    assert (round(noise.sigma_min, 7), round(noise.sigma_max, 6)) == (0.0100005, 36.911911)
    assert x4.model.prediction is VELOCITY
    assert SD_X4.latent.scale == 0.08333  # as published with the model


def test_the_network_s_weights_are_all_where_the_library_has_them(folder, x4):
    expected = tiny.unet(6, **tiny.X4_UNET).state_dict()
    with x4.model.network.resident() as module:
        ours = module.state_dict()
    assert ours.keys() == expected.keys()
    assert all(torch.equal(ours[key], expected[key]) for key in expected)
    assert "model.diffusion_model.label_emb.weight" in load_file(folder / "checkpoints" / "x4.safetensors")


def test_the_network_denoises_as_the_library_s_does(x4):
    x, beside = torch.randn(2, 4, 8, 12, generator=RANDOM), torch.randn(2, 3, 8, 12, generator=RANDOM)
    tokens, classes = torch.randn(2, 77, 8, generator=RANDOM), torch.tensor([3, 350])
    sigma = x4.model.noise.sigmas[500]
    fed = torch.cat((x / (sigma**2 + 1) ** 0.5, beside), 1)
    velocity = tiny.unet(6, **tiny.X4_UNET)(fed, 500, tokens, class_labels=classes).sample
    expected = x / (sigma**2 + 1) - velocity * sigma / (sigma**2 + 1) ** 0.5
    vector = Vector(classes, torch.zeros(2, 0))
    assert torch.allclose(x4.model.denoised(x, sigma, tokens, vector, concat=beside), expected, atol=1e-4)


def test_a_prompt_and_a_small_picture_become_a_large_one(x4):
    wanted, unwanted = (encode_text(x4.text_encoder, text) for text in ("a fox", ""))
    shown = show_small_picture(PICTURE, wanted, unwanted)
    done = ksampler(x4.model, *shown, steps=2, cfg=3.0, seed=3)
    assert vae_decode(done, x4.vae).shape == (1, 32, 48, 3)
    again = ksampler(x4.model, *shown, steps=2, cfg=3.0, seed=3)
    assert torch.equal(done.samples, again.samples)
    other = show_small_picture(Image(1 - PICTURE), wanted, unwanted)
    assert not torch.allclose(ksampler(x4.model, *other, steps=2, cfg=3.0, seed=3).samples, done.samples)


def test_a_prompt_without_a_picture_is_sampled_as_if_it_were_grey(x4):
    prompt = encode_text(x4.text_encoder, "a fox")
    latent = Latent(torch.zeros(2, 4, 8, 12))
    assert ksampler(x4.model, prompt, prompt, latent, steps=1).samples.isfinite().all()


def test_the_vae_makes_four_by_four_pixels_of_a_cell(folder, x4):
    lone = tiny.library(folder).vae("x4.safetensors")
    assert x4.vae.downscale == lone.downscale == 4
    assert encode(x4.vae, PICTURE).samples.shape == (1, 4, 2, 3)
    assert torch.equal(encode(lone, PICTURE).samples, encode(x4.vae, PICTURE).samples)


def test_a_large_picture_is_decoded_in_tiles_where_memory_is_short(folder):
    vae = tiny.library(folder).vae("x4.safetensors")
    latent = Latent(torch.randn(1, 4, 24, 20, generator=RANDOM))
    whole, tiled = decode(vae, latent), decode(vae, latent, tiles=Tiles(16, 4))
    assert tiled.shape == whole.shape == (1, 96, 80, 3)
    assert float((tiled - whole).abs().mean()) < 0.05
    vae.network.memory.free_bytes = lambda: 0
    assert torch.allclose(decode(vae, latent), decode(vae, latent, tiles=TILES), atol=1e-5)


def test_a_prompt_for_stable_diffusion_2_can_be_used_for_it_reads_the_same_text_encoder(x4):
    prompt = encode_text(x4.text_encoder, "a fox")
    Guider(x4.model, (prompt.each(lambda entry: replace(entry, family="sd2")),), (), cfg(1.0))
    assert understands(SD2, "sd_x4") and not understands(SD15, "sd_x4")
    with pytest.raises(FamilyMismatch, match="Stable Diffusion 1, but the model is Stable Diffusion x4"):
        Guider(x4.model, (prompt.each(lambda entry: replace(entry, family="sd15")),), (), cfg(1.0))
