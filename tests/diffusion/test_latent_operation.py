import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffusion.filters import sharpened
from diffusion.latent_operation import length, tone_mapped, with_sharper_edges


def random(seed=0, side=8):
    return torch.randn(2, 4, side, side, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(st.floats(0.01, 100))
def test_no_cell_is_longer_than_it_was_nor_than_white_and_all_point_where_they_did(multiplier):
    planes = random()
    mapped = tone_mapped(planes, multiplier)
    lengths = length(planes)
    white = multiplier * (lengths.mean((1, 2, 3)) + 5 * lengths.std((1, 2, 3)))
    assert (length(mapped) <= lengths).all() and (length(mapped).amax((1, 2, 3)) <= white).all()
    assert torch.allclose(mapped / length(mapped), planes / lengths)


def test_the_order_of_lengths_stays():
    order = length(random()).flatten(1).argsort(1)
    assert torch.equal(length(tone_mapped(random(), 0.3)).flatten(1).argsort(1), order)


def test_under_a_very_high_white_nothing_is_dimmed():
    assert torch.allclose(tone_mapped(random(), 1e9), random())


@pytest.mark.parametrize("planes", [random() * 0, random(side=1)])
@pytest.mark.parametrize("multiplier", [0.0, 1.0])
def test_an_empty_latent_and_a_single_cell_stay_numbers(planes, multiplier):
    assert tone_mapped(planes, multiplier).isfinite().all()
    assert with_sharper_edges(planes, 3, 1.0, 0.1).isfinite().all()


def test_without_alpha_edges_stay():
    assert torch.allclose(with_sharper_edges(random(), 3, 1.0, 0.0), random())


def test_where_lengths_are_one_a_latent_is_sharpened_as_a_picture_is():
    planes = random().abs() + 0.5
    planes = 0.999999 * planes / length(planes)
    picture = sharpened(planes.movedim(1, -1), 2, 1.0, 0.01)
    assert torch.allclose(
        with_sharper_edges(planes, 2, 1.0, 0.01), torch.as_tensor(picture).movedim(-1, 1), atol=1e-4
    )
