import pytest
import torch

from diffusion.noise import initial_noise
from graph.define import spec_of
from nodes.latent import (
    batch_latents,
    empty_flux2_latent_image,
    empty_latent_image,
    empty_sd3_latent_image,
    latent_batch,
    latent_batch_seed_behavior,
    latent_concat,
    latent_crop,
    latent_cut,
    latent_cut_to_batch,
    latent_flip,
    latent_from_batch,
    latent_rotate,
    rebatch_latents,
    repeat_latent_batch,
)
from tests.diffusion.toy import latent


def test_an_empty_latent_has_one_cell_for_eight_pixels():
    made = empty_latent_image(640, 512, 3).samples
    assert (tuple(made.shape), bool(made.any())) == ((3, 4, 64, 80), False)


@pytest.mark.parametrize("first", [0, 1, 2])
def test_a_latent_taken_out_of_a_batch_keeps_its_noise(first):
    whole = latent(3)
    assert torch.equal(
        initial_noise(latent_from_batch(whole, first, 1), 9), initial_noise(whole, 9)[first : first + 1]
    )


def test_repeating_and_taking_gives_the_latent_again():
    whole = latent(2)
    taken = latent_from_batch(repeat_latent_batch(whole, 3), 2, 2)
    assert torch.equal(taken.samples, whole.samples)
    assert taken.batch_index == (2, 3)


def test_empty_latents_of_more_channels():
    assert empty_sd3_latent_image(64, 32).samples.shape == (1, 16, 4, 8)
    assert empty_flux2_latent_image(64, 32, 2).samples.shape == (2, 128, 2, 4)


def test_latents_are_put_into_a_batch_and_sorted_anew():
    both = latent_batch(latent(2), latent(1))
    assert len(both.samples) == len(batch_latents(latent(), latent(), latent()).samples) == 3
    assert [len(each.samples) for each in rebatch_latents([both], [2])] == [2, 1]
    assert spec_of(rebatch_latents).inputs[0].takes_list


def test_a_batch_can_share_its_noise():
    assert latent_batch_seed_behavior(latent(3)).batch_index == (0, 0, 0)


def test_a_latent_is_cut_in_pixels_of_the_picture():
    source = latent(height=20, width=20)
    assert torch.equal(latent_crop(source, 64, 72, 16, 8).samples, source.samples[..., 1:10, 2:10])


def test_a_latent_is_turned_and_mirrored():
    source = latent(height=4).samples
    assert torch.equal(latent_rotate(latent(height=4), "180 degrees").samples, source.flip(-1, -2))
    assert torch.equal(latent_flip(latent(height=4), "x-axis: vertically").samples, source.flip(-2))


@pytest.mark.parametrize(("dim", "first"), [("x", 0), ("-x", 1)])
def test_latents_stand_side_by_side(dim, first):
    pair = latent(), latent(seed=1)
    assert torch.equal(latent_cut(latent_concat(*pair, dim), "x", 0, 8).samples, pair[first].samples)


def test_a_latent_is_cut_into_slices():
    assert latent_cut_to_batch(latent(), "y", 2).samples.shape == (4, 4, 2, 8)
