from pathlib import Path

import pytest
import torch

from diffusion.values import Image, Mask
from graph.define import spec_of
from graph.errors import Interrupted
from nodes.upscale import (
    ByFactor,
    ToDimensions,
    ToHeight,
    ToLongerSide,
    ToMatch,
    ToPixels,
    ToShorterSide,
    ToWidth,
    flux_kontext_image_scale,
    image_scale,
    image_scale_by,
    image_scale_to_max_dimension,
    image_scale_to_total_pixels,
    image_upscale_with_model,
    latent_upscale,
    latent_upscale_by,
    load_upscaler,
    resize_image_mask,
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


def test_a_picture_is_scaled_to_a_number_of_pixels():
    assert image_scale_to_total_pixels(PICTURE, "area", 0.25, 8).shape[1:3] == (440, 592)
    assert image_scale_to_total_pixels(PICTURE, "area", 0.25).shape[1:3] == (443, 591)


@pytest.mark.parametrize(("picture", "size"), [(PICTURE, (45, 60)), (PICTURE.movedim(1, 2), (60, 45))])
def test_the_longer_side_gets_a_length(picture, size):
    assert image_scale_to_max_dimension(picture, "bilinear", 60).shape[1:3] == size


@pytest.mark.parametrize(
    ("target", "size"),
    [
        (ByFactor(0.5), (15, 20)),
        (ToDimensions(10, 10), (10, 10)),
        (ToDimensions(20, 0), (15, 20)),
        (ToLongerSide(80), (60, 80)),
        (ToShorterSide(60), (60, 80)),
        (ToWidth(8), (6, 8)),
        (ToHeight(6), (6, 8)),
        (ToPixels(0.01), (89, 118)),
        (ToMatch(torch.zeros(1, 7, 9)), (7, 9)),
    ],
)
def test_pictures_and_masks_are_brought_to_a_size_told_in_many_ways(target, size):
    image, mask = Image(PICTURE), Mask(PICTURE[..., 0])
    made = resize_image_mask(image, target), resize_image_mask(mask, target, "nearest-exact")
    assert [type(each) for each in made] == [Image, Mask]
    assert [tuple(each.shape) for each in made] == [(1, *size, 3), (1, *size)]


@pytest.mark.parametrize(
    ("size", "wanted"), [((100, 100), (1024, 1024)), ((100, 300), (672, 1568)), ((400, 300), (1184, 880))]
)
def test_a_picture_for_kontext_has_a_size_it_knows(size, wanted):
    width, height = size
    assert flux_kontext_image_scale(torch.rand(1, height, width, 3)).shape[1:3] == wanted[::-1]


def test_the_size_s_inputs_stand_behind_its_choice():
    choice = spec_of(resize_image_mask).inputs[1]
    assert [option.key for option in choice.options][:2] == ["scale by multiplier", "scale dimensions"]
