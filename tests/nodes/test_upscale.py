from pathlib import Path

import pytest
import torch

from graph.define import spec_of
from graph.errors import Interrupted
from nodes.upscale import (
    image_scale,
    image_scale_by,
    image_upscale_with_model,
    latent_upscale,
    latent_upscale_by,
    load_upscaler,
)
from tests import tiny
from tests.diffusion.toy import latent

PICTURE = torch.rand(1, 30, 40, 3, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def upscaler(tmp_path_factory: pytest.TempPathFactory):
    """A small upscaler, loaded by its node."""
    library = tiny.library(tiny.models(Path(tmp_path_factory.mktemp("models"))))
    return load_upscaler(tiny.UPSCALER, library=library)


@pytest.mark.parametrize(
    ("asked", "cells"),
    [((256, 128), (16, 32)), ((256, 0), (32, 32)), ((0, 8), (8, 8)), ((100, 100), (12, 12))],
)
def test_a_latent_is_upscaled_to_a_size_in_pixels(asked, cells):
    assert latent_upscale(latent(), "bislerp", *asked).samples.shape[-2:] == cells


def test_a_latent_without_a_new_size_stays_as_it_is():
    source = latent()
    assert latent_upscale(source, "bilinear", 0, 0) is source


def test_a_latent_is_upscaled_by_a_factor():
    assert latent_upscale_by(latent(), "nearest-exact", 1.5).samples.shape[-2:] == (12, 12)


def test_an_upscaled_latent_keeps_its_mask():
    source = latent(noise_mask=torch.ones(1, 1, 64, 64))
    assert latent_upscale(source, "area", 128, 128).noise_mask is source.noise_mask


@pytest.mark.parametrize(("asked", "size"), [((20, 10), (10, 20)), ((20, 0), (15, 20)), ((0, 60), (60, 80))])
def test_a_picture_is_scaled_to_a_size(asked, size):
    assert image_scale(PICTURE, "lanczos", *asked).shape[1:3] == size


def test_a_picture_is_scaled_by_a_factor():
    assert image_scale_by(PICTURE, "bicubic", 0.5).shape == (1, 15, 20, 3)


def test_an_upscaler_travels_on_its_own_wire():
    wire = spec_of(load_upscaler).outputs[0]
    assert (wire.name, wire.type, spec_of(image_upscale_with_model).inputs[0].type) == ("UPSCALE_MODEL",) * 3


def test_a_network_enlarges_a_picture(upscaler):
    assert image_upscale_with_model(upscaler, PICTURE).shape == (1, 60, 80, 3)


def test_a_cancelled_run_stops_enlarging(upscaler):
    def stopped(done: int, total: int, preview: object = None) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        image_upscale_with_model(upscaler, PICTURE, progress=stopped)
