import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffusion.composite import Place
from diffusion.errors import DiffusionError
from diffusion.latents import (
    batched,
    blended,
    composite,
    composite_masked,
    crop,
    cut,
    cut_to_batch,
    fitting,
    interpolated,
    joined,
    mirrored,
    rebatched,
    turned,
    with_noise_of,
)
from diffusion.values import Latent, Mask
from tests.diffusion.toy import latent

ONE, OTHER = latent(), latent(seed=1)
DEEP = Latent(torch.zeros(1, 16, 8, 8))
MASK = torch.arange(64.0).view(1, 1, 8, 8) / 64


@pytest.mark.parametrize(("ratio", "expected"), [(1.0, ONE), (0.0, OTHER)])
def test_between_two_latents_lie_both(ratio, expected):
    assert torch.allclose(interpolated(ONE, OTHER, ratio).samples, expected.samples, atol=1e-5)


@given(st.floats(0, 1))
def test_between_two_latents_lengths_go_evenly(ratio):
    lengths = [each.samples.norm(dim=1) for each in (ONE, OTHER, interpolated(ONE, OTHER, ratio))]
    assert torch.allclose(lengths[2], lengths[0] * ratio + lengths[1] * (1 - ratio), atol=1e-4)


def test_a_blend_holds_a_share_of_each():
    expected = ONE.samples * 0.25 + OTHER.samples * 0.75
    assert torch.allclose(blended(ONE, OTHER, 0.25).samples, expected)


def test_a_latent_of_another_size_is_fitted():
    assert fitting(latent(height=12, width=20).samples, latent(batch=3).samples).shape == (3, 4, 8, 8)
    assert blended(ONE, latent(height=12), 0.5).samples.shape == ONE.samples.shape


@pytest.mark.parametrize(
    "together",
    [
        lambda: interpolated(ONE, DEEP, 0.5),
        lambda: fitting(DEEP.samples, ONE.samples),
        lambda: blended(ONE, DEEP, 0.5),
        lambda: composite(ONE, DEEP, Place(0, 0), 0),
        lambda: composite_masked(ONE, DEEP, Place(0, 0), True, None),
        lambda: joined(ONE, DEEP, "x", False),
        lambda: batched((ONE, OTHER, DEEP)),
    ],
)
def test_latents_of_other_channels_are_refused_in_a_sentence(together):
    with pytest.raises(DiffusionError, match="of 16 channels does not go together with one of 4"):
        together()


def test_a_latent_is_blended_with_each_of_a_batch_but_batches_only_of_one_length():
    assert len(blended(ONE, latent(batch=3), 0.5).samples) == 3
    assert len(blended(latent(batch=3), ONE, 0.5).samples) == 3
    with pytest.raises(DiffusionError, match="A batch of 2 latents cannot be blended with one of 6"):
        blended(latent(batch=2), latent(batch=6), 0.5)


def test_a_latent_is_pasted_and_fades_inside():
    made = composite(Latent(torch.zeros(1, 4, 8, 8)), Latent(torch.ones(1, 4, 4, 4)), Place(4, 4), 2)
    assert made.samples[0, 0, 5].tolist() == [0, 0, 0, 0, 0.5, 1, 1, 1]


def test_a_latent_is_pasted_where_a_mask_says():
    mask = Mask(torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]))
    zeros, ones = Latent(torch.zeros(1, 4, 8, 8)), Latent(torch.ones(1, 4, 2, 2))
    assert composite_masked(zeros, ones, Place(0, 0), False, mask).samples[0, 0, :2, :2].tolist() == [
        [1, 0],
        [0, 1],
    ]
    assert composite_masked(zeros, ones, Place(0, 0), True, None).samples.all()


def test_a_part_is_cut_out_with_its_mask():
    part = crop(latent(height=16, width=16, noise_mask=torch.ones(1, 1, 16, 16)), 8, 8, 2, 4)
    assert part.samples.shape == (1, 4, 8, 8) and part.noise_mask.shape == (1, 1, 8, 8)


def test_at_least_eight_cells_are_cut_out():
    assert crop(latent(height=16, width=16), 8, 8, 100, 100).samples.shape == (1, 4, 8, 8)


def test_four_quarter_turns_are_none():
    source = latent(noise_mask=MASK)
    made = source
    for _ in range(4):
        made = turned(made, 1)
    assert torch.equal(made.samples, source.samples) and torch.equal(made.noise_mask, MASK)


def test_a_quarter_turn_is_to_the_right():
    samples = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).expand(1, 4, 2, 2)
    assert turned(Latent(samples), 1).samples[0, 0].tolist() == [[3, 1], [4, 2]]


def test_a_mirrored_latent_takes_its_mask_along():
    made = mirrored(latent(noise_mask=MASK), "x")
    assert torch.equal(made.noise_mask, MASK.flip(-1))
    assert torch.equal(mirrored(made, "x").samples, latent().samples)


@pytest.mark.parametrize(("axis", "shape"), [("x", (1, 4, 8, 16)), ("y", (1, 4, 16, 8)), ("t", (1, 8, 8, 8))])
def test_latents_are_joined_along_an_axis(axis, shape):
    assert joined(ONE, OTHER, axis, False).samples.shape == shape


def test_along_t_channels_follow_each_other():
    assert joined(ONE, DEEP, "t", False).samples.shape == (1, 20, 8, 8)


@pytest.mark.parametrize(
    ("axis", "size", "fault"),
    [
        ("x", {"height": 12}, "8 cells high cannot be joined along x to one of 12"),
        ("y", {"width": 5}, "8 cells wide cannot be joined along y to one of 5"),
        ("t", {"width": 5}, "8 cells wide cannot be joined along t to one of 5"),
        ("t", {"height": 5}, "8 cells high cannot be joined along t to one of 5"),
    ],
)
def test_latents_that_leave_a_gap_are_not_joined(axis, size, fault):
    with pytest.raises(DiffusionError, match=fault):
        joined(ONE, latent(**size), axis, False)


def test_what_was_joined_can_be_cut_apart():
    both = joined(ONE, OTHER, "x", True)
    assert torch.equal(cut(both, "x", 0, 8).samples, OTHER.samples)
    assert torch.equal(cut(both, "x", -8, 8).samples, ONE.samples)


@pytest.mark.parametrize(("index", "amount", "width"), [(6, 5, 2), (100, 1, 1), (-100, 3, 3)])
def test_a_cut_stays_inside(index, amount, width):
    assert cut(ONE, "x", index, amount).samples.shape[-1] == width


def test_slices_become_a_batch():
    slices = cut_to_batch(ONE, "x", 3).samples
    assert slices.shape == (2, 4, 8, 3) and torch.equal(slices[1], ONE.samples[0, ..., 3:6])


def test_a_batch_of_batches_keeps_noise_and_masks():
    both = batched((latent(batch=2, batch_index=(3, 5)), latent(noise_mask=torch.zeros(1, 1, 8, 8))))
    assert both.batch_index == (3, 5, 0)
    assert both.noise_mask.mean((1, 2, 3)).tolist() == [1, 1, 0]


def test_latents_are_sorted_into_batches_of_one_size():
    made = rebatched((latent(batch=3), latent(batch=2), latent(height=16)), 2)
    assert [each.samples.shape for each in made] == [(2, 4, 8, 8), (2, 4, 8, 8), (1, 4, 8, 8), (1, 4, 16, 8)]


def test_sorting_into_batches_loses_nothing():
    source = latent(batch=5, noise_mask=torch.rand(5, 1, 8, 8))
    again = rebatched(rebatched((source,), 2), 9)
    assert torch.equal(again[0].samples, source.samples)
    assert torch.equal(again[0].noise_mask, source.noise_mask)
    assert again[0].batch_index == (0, 1, 2, 3, 4)


def test_all_of_a_batch_can_get_the_noise_of_the_first():
    assert with_noise_of(latent(batch=3, batch_index=(4, 5, 6)), True).batch_index == (4, 4, 4)
    assert with_noise_of(latent(batch=3, batch_index=(4, 5, 6)), False).batch_index is None
