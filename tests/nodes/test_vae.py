from pathlib import Path

import pytest
import torch

from diffusion.model import Vae
from diffusion.values import Image, Latent
from graph.define import spec_of
from graph.errors import Interrupted
from nodes.vae import vae_decode, vae_decode_tiled, vae_encode, vae_encode_tiled
from tests import tiny


@pytest.fixture(scope="module")
def vae(tmp_path_factory: pytest.TempPathFactory) -> Vae:
    """A small VAE."""
    library = tiny.library(tiny.models(Path(tmp_path_factory.mktemp("models"))))
    return library.checkpoint(tiny.CHECKPOINT).vae


def stopped(done: int, total: int, preview: object = None) -> None:
    """The progress of a run that was cancelled."""
    raise Interrupted


@pytest.mark.parametrize(
    ("function", "facts"),
    [
        (vae_decode, ("VAEDecode", "latent", "VAE Decode", ["samples", "vae"], "IMAGE")),
        (vae_encode, ("VAEEncode", "latent", "VAE Encode", ["pixels", "vae"], "LATENT")),
    ],
)
def test_the_nodes_are_the_field_s(function, facts):
    spec = spec_of(function)
    inputs = [each.name for each in spec.inputs]
    assert (spec.type, spec.category, spec.title, inputs, spec.outputs[0].name) == facts


def test_a_latent_becomes_a_picture_eight_times_its_size(vae):
    assert vae_decode(Latent(torch.zeros(1, 4, 4, 6)), vae).shape == (1, 32, 48, 3)


def test_a_picture_becomes_a_latent_an_eighth_of_its_size(vae):
    assert vae_encode(Image(torch.rand(2, 35, 48, 3)), vae).samples.shape == (2, 4, 4, 6)


def test_a_cancelled_run_stops_decoding(vae):
    with pytest.raises(Interrupted):
        vae_decode(Latent(torch.zeros(1, 4, 4, 6)), vae, progress=stopped)


def test_a_cancelled_run_stops_encoding(vae):
    with pytest.raises(Interrupted):
        vae_encode(Image(torch.rand(1, 32, 32, 3)), vae, progress=stopped)


def test_a_latent_can_be_decoded_in_tiles(vae):
    assert vae_decode_tiled(Latent(torch.zeros(1, 4, 20, 12)), vae, 64, 16).shape == (1, 160, 96, 3)


def test_a_picture_can_be_encoded_in_tiles(vae):
    assert vae_encode_tiled(Image(torch.rand(1, 160, 100, 3)), vae, 64, 16).samples.shape == (1, 4, 20, 12)


@pytest.mark.parametrize("function", [vae_decode_tiled, vae_encode_tiled])
def test_the_widgets_of_tiles_stand_in_the_field_s_order(function):
    widgets = [each.name for each in spec_of(function).inputs if each.widget]
    assert widgets == ["tile_size", "overlap", "temporal_size", "temporal_overlap"]
