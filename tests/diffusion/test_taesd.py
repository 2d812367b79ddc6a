from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from diffusion.errors import (
    BrokenFile,
    DiffusionError,
    FamilyMismatch,
    MissingFile,
    MissingPart,
    UnknownCheckpoint,
)
from diffusion.library import ModelLibrary
from diffusion.memory import Memory
from diffusion.saving import VAE, vae_of, write_weights
from diffusion.taesd import SPACES, SUITED
from diffusion.tiles import Tiles
from diffusion.vae import TILES, decode, encode
from diffusion.values import Image, Latent
from tests import tiny

RANDOM = torch.Generator().manual_seed(5)
PIXELS = torch.rand(2, 32, 48, 3, generator=RANDOM)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A models folder with a TAESD for each of two spaces, in two files, and others in one."""
    root = Path(tmp_path_factory.mktemp("models"))
    for kind in ("vae", "vae_approx"):
        (root / kind).mkdir()
    for name, channels in (("taesd", 4), ("taesd3", 16), ("taef1", 4)):
        for side in ("encoder", "decoder"):
            half = tiny.taesd_half(side, channels)
            save_file(half, root / "vae_approx" / f"{name}_{side}.safetensors")
    encoder, decoder = (tiny.taesd_half(side, 4, f"taesd_{side}.") for side in ("encoder", "decoder"))
    save_file(encoder | decoder, root / "vae" / "taesdxl_both.safetensors")
    save_file(encoder | decoder, root / "vae" / "nameless.safetensors")
    save_file(decoder, root / "vae" / "taesd_lacking.safetensors")
    save_file(tiny.taesd_half("encoder"), root / "vae" / "alone.safetensors")
    return root


@pytest.fixture(scope="module")
def library(folder):
    return tiny.library(folder)


def test_every_family_s_previewer_is_of_a_known_kind():
    assert set(SUITED.values()) <= set(SPACES)


@pytest.mark.parametrize(("name", "channels"), [("taesd", 4), ("taesd3", 16)])
def test_a_picture_is_encoded_as_the_library_does_and_brought_out_of_the_network_s_space(
    library, name, channels
):
    expected = SPACES[name].out(tiny.taesd(channels).encode(PIXELS.movedim(-1, 1) * 2 - 1).latents)
    assert torch.allclose(encode(library.vae(name), Image(PIXELS)).samples, expected, atol=1e-5)


@pytest.mark.parametrize(("name", "channels"), [("taesd", 4), ("taesd3", 16)])
def test_a_latent_is_decoded_as_the_library_does_in_the_network_s_space(library, name, channels):
    latent = torch.randn(2, channels, 4, 6, generator=RANDOM) * 9
    seen = tiny.taesd(channels).decode(SPACES[name].into(latent)).sample
    expected = ((seen + 1) / 2).clamp(0, 1).movedim(1, -1)
    assert torch.allclose(decode(library.vae(name), Latent(latent)), expected, atol=1e-5)


def test_both_networks_may_lie_in_one_file_whose_name_says_what_it_is_for(library):
    latent = Latent(torch.randn(1, 4, 4, 6, generator=RANDOM))
    one, two = library.vae("taesdxl_both.safetensors"), library.vae("taesd")
    same = Latent(SPACES["taesd"].out(SPACES["taesdxl"].into(latent.samples)))
    assert torch.allclose(decode(one, latent), decode(two, same), atol=1e-5)


def test_it_is_kept_as_one_file_that_says_what_it_is_for(folder, library):
    write_weights(vae_of(library.vae("taesd")), folder / "vae" / "kept.safetensors", {})
    again, first = library.vae("kept.safetensors"), library.vae("taesd")
    assert torch.allclose(encode(again, Image(PIXELS)).samples, encode(first, Image(PIXELS)).samples)
    latent = Latent(torch.randn(1, 4, 4, 6, generator=RANDOM))
    assert torch.allclose(decode(again, latent), decode(first, latent), atol=1e-6)
    assert load_file(folder / "vae" / "kept.safetensors")["vae_scale"] == torch.tensor(0.18215)


def test_it_works_in_tiles(library):
    vae = library.vae("taesd")
    image = Image(torch.rand(1, 192, 192, 3, generator=RANDOM))
    whole, tiled = encode(vae, image), encode(vae, image, tiles=Tiles(16, 4))
    assert tiled.samples.shape == whole.samples.shape
    assert float((tiled.samples - whole.samples).abs().mean()) < 0.05
    assert float((decode(vae, whole, tiles=Tiles(16, 4)) - decode(vae, whole)).abs().mean()) < 0.05


def test_a_check_can_stop_it_between_its_blocks(library):
    calls = []
    encode(library.vae("taesd"), Image(PIXELS), check=lambda: calls.append(1))
    assert len(calls) > 3


def test_without_room_for_a_whole_picture_it_works_in_tiles(library):
    vae = library.vae("taesd")
    vae.network.memory.free_bytes = lambda: 0
    latent = Latent(torch.randn(1, 4, 80, 16, generator=RANDOM))
    assert torch.equal(decode(vae, latent), decode(vae, latent, tiles=TILES))


def test_it_never_computes_in_float16(folder):
    memory = Memory("cpu", precision="float16")
    vae = ModelLibrary(lambda kind: [folder / kind], memory).vae("taesd")
    assert vae.network.dtype == vae.encoder.dtype == torch.float32


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("taesdxl", MissingFile, "no taesdxl_encoder in the vae_approx folder"),
        ("taef1", BrokenFile, "taef1_encoder.safetensors has latents of 4 channels, .* but 16 channels"),
        ("nameless.safetensors", UnknownCheckpoint, "does not say which model's latents it is for"),
        ("taesd_lacking.safetensors", BrokenFile, "holds no TAESD encoder"),
        ("alone.safetensors", MissingPart, "is one half of a TAESD"),
    ],
)
def test_what_is_missing_or_does_not_fit_is_told(library, name, error, said):
    with pytest.raises(error, match=said):
        library.vae(name)


@pytest.mark.parametrize("scale", [torch.zeros(()), torch.ones(2), torch.tensor(float("nan"))])
def test_a_scale_that_is_none_is_refused(folder, library, scale):
    save_file(
        {**load_file(folder / "vae" / "nameless.safetensors"), "vae_scale": scale},
        folder / "vae" / "odd.safetensors",
    )
    with pytest.raises(BrokenFile, match="vae_scale that cannot be used"):
        library.vae("odd.safetensors")


def test_a_file_that_lacks_a_weight_is_told(folder):
    half = tiny.taesd_half("decoder", 4, "taesd_decoder.")
    del half["taesd_decoder.3.conv.2.bias"]
    save_file(
        half | tiny.taesd_half("encoder", 4, "taesd_encoder."), folder / "vae" / "taesd_holes.safetensors"
    )
    with pytest.raises(BrokenFile, match="TAESD decoder in taesd_holes.safetensors is incomplete"):
        decode(tiny.library(folder).vae("taesd_holes.safetensors"), Latent(torch.zeros(1, 4, 2, 2)))


def test_latents_of_another_family_are_refused(library):
    with pytest.raises(FamilyMismatch, match="16 channels, but the VAE reads 4"):
        decode(library.vae("taesd"), Latent(torch.zeros(1, 16, 4, 4)))


def test_it_has_no_place_in_a_checkpoint(library):
    with pytest.raises(DiffusionError, match="no place in a checkpoint"):
        vae_of(library.vae("taesd"), VAE)
