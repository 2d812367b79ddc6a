from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffusion.errors import DiffusionError
from diffusion.families.sdxl import SDXL
from diffusion.inpaint import (
    Kept,
    differential,
    feathered,
    greyed,
    grown,
    mask_for,
    network_extra,
    prompt_extra,
    repainting,
    with_picture,
)
from diffusion.samplers.step import Guided
from tests.diffusion.toy import NOISE, latent, prompt, says, toy_model

DOT = torch.zeros(1, 16, 16)
DOT[0, 8, 8] = 1


def test_a_mask_is_brought_to_the_grid_of_the_latent_and_repeated_over_the_batch():
    mask = torch.zeros(1, 64, 64)
    mask[..., 32:] = 1
    fitted = mask_for(mask, latent(3).samples)
    assert fitted.shape == (3, 1, 8, 8)
    assert fitted.unique().tolist() == [0, 1]


def test_the_network_sees_the_kept_part_as_noisy_as_the_rest():
    clean, noise = torch.full((1, 4, 2, 2), 3.0), torch.ones(1, 4, 2, 2)
    seen = []
    kept = Kept(torch.zeros(1, 1, 2, 2), clean, noise)
    repainting(lambda x, sigma: seen.append(x) or Guided(x, x), toy_model(), kept)(
        torch.zeros(1, 4, 2, 2), 2.0
    )
    assert torch.equal(seen[0], clean + 2 * noise)


@given(st.floats(0, 1, width=32))
def test_a_grey_mask_blends_prediction_and_original(grey):
    clean, noise = torch.full((1, 4, 2, 2), 3.0), torch.zeros(1, 4, 2, 2)
    kept = Kept(torch.full((1, 1, 2, 2), grey), clean, noise)
    blended = repainting(lambda x, sigma: Guided(torch.ones_like(x), 2 * x), toy_model(), kept)(clean, 2.0)
    assert blended.denoised.mean().item() == pytest.approx(grey + 3 * (1 - grey), abs=1e-5)
    assert blended.unguided.mean().item() == pytest.approx(6 * grey + 3 * (1 - grey), abs=1e-5)


GREYS = torch.tensor([0.0, 0.25, 0.5, 1.0]).view(1, 1, 2, 2)
RUN = tuple(NOISE.sigma(time) for time in (800, 600, 400, 200)) + (0.0,)


@pytest.mark.parametrize(("time", "repainted"), [(800, [3]), (400, [2, 3]), (200, [1, 2, 3])])
def test_the_darker_a_cell_the_later_it_is_repainted(time, repainted):
    at = differential(GREYS, NOISE, RUN, 1.0)(NOISE.sigma(time))
    assert at.flatten().nonzero().flatten().tolist() == repainted


def test_with_less_strength_grey_mixes_too():
    half = differential(GREYS, NOISE, RUN, 0.5)(NOISE.sigma(400))
    assert half.flatten().tolist() == pytest.approx([0, 0.125, 0.75, 1])


@given(st.floats(0, 1))
def test_black_and_white_are_repainted_never_and_always(strength):
    mask = torch.tensor([0.0, 1.0])
    mask_at = differential(mask, NOISE, RUN, strength)
    assert all(torch.equal(mask_at(sigma), mask) for sigma in RUN[:-1])


def test_a_repainting_that_changes_with_the_level_asks_for_its_mask_at_every_call():
    clean = torch.full((1, 4, 2, 2), 3.0)
    kept = Kept(
        GREYS, clean, torch.zeros_like(clean), lambda sigma: torch.full((1, 1, 2, 2), float(sigma > 1))
    )
    blended = repainting(lambda x, sigma: Guided(0 * x, x), toy_model(), kept)
    assert [float(blended(clean, sigma).denoised.mean()) for sigma in (2.0, 0.5)] == [0, 3]


def test_a_picture_smaller_than_one_cell_is_refused_in_a_sentence():
    with pytest.raises(DiffusionError, match="1 x 1 pixels, but at least 8 x 8"):
        greyed(torch.zeros(1, 1, 1, 3), torch.ones(1, 1, 1), 6)


def test_an_inpainting_network_is_given_the_rounded_mask_and_the_latent():
    source = latent(noise_mask=torch.full((1, 1, 8, 8), 0.7))
    beside = network_extra(toy_model(in_channels=9), source, source.samples)
    assert beside.shape == (1, 5, 8, 8)
    assert torch.equal(beside, torch.cat((torch.ones(1, 1, 8, 8), source.samples), 1))


def test_other_networks_are_given_nothing_beside_the_state():
    source = latent(noise_mask=torch.ones(1, 1, 8, 8))
    assert network_extra(toy_model(), source, source.samples) is None


def test_the_picture_is_grey_under_the_mask_only():
    picture = torch.rand(1, 16, 16, 3, generator=torch.Generator().manual_seed(0))
    grey = greyed(picture, DOT, 6).image
    expected = picture.clone()
    expected[0, 8, 8] = 0.5
    assert torch.allclose(torch.as_tensor(grey), expected, atol=1e-6)


@pytest.mark.parametrize(("grow", "cells"), [(0, 1), (1, 1), (3, 9), (6, 36)])
def test_a_noise_mask_grows_by_a_square(grow, cells):
    assert greyed(torch.zeros(1, 16, 16, 3), DOT, grow).mask.sum() == cells


def test_a_picture_that_does_not_fit_the_grid_is_cut_around_its_middle():
    picture = torch.arange(20.0).view(1, 1, 20, 1).expand(1, 20, 20, 3) / 20
    cut = greyed(picture, torch.zeros(1, 20, 20), 6)
    assert cut.image.shape == (1, 16, 16, 3)
    assert cut.mask.shape == (1, 1, 16, 16)
    assert cut.image[0, 0, 0, 0] == pytest.approx(2 / 20)


def test_each_picture_of_a_batch_is_greyed():
    assert greyed(torch.rand(3, 16, 16, 3), DOT, 0).image.shape == (3, 16, 16, 3)


@pytest.mark.parametrize(("tapered", "cells"), [(True, 13), (False, 25)])
def test_a_mask_grows_as_a_diamond_or_as_a_square(tapered, cells):
    assert grown(DOT, 2, tapered).sum() == cells


def test_growing_and_shrinking_a_square_gives_it_back():
    square = grown(DOT, 2, tapered=False)
    assert torch.equal(grown(grown(square, 3, False), -3, False), square)


def test_a_feathered_mask_fades_to_its_borders_on_the_sides_asked_for():
    faded = feathered(torch.ones(1, 4, 8), 4, 0, 2, 0)
    assert faded[0, 2].tolist() == [0.25, 0.5, 0.75, 1, 1, 1, 1, 0.5]


def test_a_plain_mask_without_a_batch_will_do():
    assert grown(torch.zeros(4, 4), 1).shape == (1, 4, 4)


def test_an_inpainting_network_is_given_the_picture_and_mask_that_a_prompt_brings():
    picture = torch.ones(1, 4, 8, 8)
    entry = prompt(concat_latent=picture, concat_mask=torch.full((1, 1, 64, 64), 0.7))
    beside = prompt_extra(toy_model(in_channels=9), entry, torch.zeros(2, 4, 8, 8))
    assert beside.shape == (2, 5, 8, 8)
    assert torch.equal(beside[0, 0], torch.ones(8, 8)) and torch.allclose(beside[:, 1:], picture * 0.18215)


def test_a_picture_that_a_prompt_brings_without_a_mask_is_given_with_the_mask_of_the_run():
    entry, run = prompt(concat_latent=torch.ones(1, 4, 8, 8)), torch.rand(1, 5, 8, 8)
    beside = prompt_extra(toy_model(in_channels=9), entry, torch.zeros(1, 4, 8, 8), run)
    assert torch.equal(beside[:, :1], run[:, :1].round())
    assert torch.allclose(beside[:, 1:], torch.tensor(0.18215))


def test_a_picture_of_another_size_is_cut_and_resized():
    entry = prompt(concat_latent=torch.ones(1, 4, 8, 16), concat_mask=torch.ones(1, 1, 64, 128))
    assert prompt_extra(toy_model(in_channels=9), entry, torch.zeros(1, 4, 8, 8)).shape == (1, 5, 8, 8)


def test_an_editing_network_is_given_the_picture_unscaled():
    entry = prompt(concat_latent=torch.ones(1, 4, 8, 8))
    beside = prompt_extra(toy_model(in_channels=8), entry, torch.zeros(1, 4, 8, 8))
    assert torch.equal(beside, entry.concat_latent)


def test_an_editing_network_of_sdxl_is_given_the_picture_scaled():
    entry = prompt(concat_latent=torch.ones(1, 4, 8, 8))
    model = replace(toy_model(in_channels=8), family=SDXL)
    assert float(prompt_extra(model, entry, torch.zeros(1, 4, 8, 8)).mean()) == pytest.approx(0.13025)


def test_other_networks_have_no_place_for_a_picture():
    entry = prompt(concat_latent=torch.ones(1, 4, 8, 8), concat_mask=torch.ones(1, 1, 8, 8))
    assert prompt_extra(toy_model(), entry, torch.zeros(1, 4, 8, 8)) is None


def test_a_picture_shown_to_all_prompts_leaves_them_otherwise_as_they_are():
    given, picture = says(1, 2, strength=3.0), torch.ones(1, 4, 8, 8)
    shown = with_picture(given, picture)
    assert [entry.concat_latent is picture for entry in shown.entries] == [True, True]
    assert shown.entries[1].tokens is given.entries[1].tokens and shown.entries[1].strength == 3.0
