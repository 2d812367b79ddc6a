import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diffusion.resize import (
    IMAGE_METHODS,
    LATENT_METHODS,
    fitting_size,
    resized,
    resized_image,
)

METHODS = tuple(dict.fromkeys((*IMAGE_METHODS, *LATENT_METHODS)))
PLANES = torch.rand(2, 3, 12, 16, generator=torch.Generator().manual_seed(0))


@settings(deadline=None)
@given(method=st.sampled_from(METHODS), width=st.integers(1, 40), height=st.integers(1, 40))
def test_every_method_gives_the_size_asked_for(method, width, height):
    assert resized(PLANES, width, height, method).shape == (2, 3, height, width)


@pytest.mark.parametrize("method", METHODS)
def test_an_even_surface_stays_even(method):
    even = torch.full((1, 4, 6, 6), 0.4)
    assert torch.allclose(resized(even, 9, 11, method), torch.tensor(0.4), atol=1 / 255)


@pytest.mark.parametrize("method", [m for m in METHODS if m != "lanczos"])
def test_the_same_size_changes_nothing(method):
    assert torch.allclose(resized(PLANES, 16, 12, method), PLANES, atol=1e-5)


def test_slerp_keeps_the_length_of_vectors_that_bilinear_would_shorten():
    planes = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).view(1, 2, 1, 2)
    lengths = {
        method: float(resized(planes, 6, 1, method).norm(dim=1).min()) for method in ("bislerp", "bilinear")
    }
    assert lengths["bislerp"] == pytest.approx(1)
    assert lengths["bilinear"] < 0.8


def test_slerp_between_nothing_and_something_stays_a_number():
    planes = torch.zeros(1, 2, 1, 2)
    planes[..., 1] = 1
    assert resized(planes, 8, 3, "bislerp").isfinite().all()


def test_slerp_between_opposites_goes_straight():
    planes = torch.tensor([[1.0, -1.0], [0.0, 0.0]]).view(1, 2, 1, 2)
    assert resized(planes, 4, 1, "bislerp")[0, 0, 0].tolist() == pytest.approx([1, 0.5, -0.5, -1])


def test_a_picture_is_resized_in_its_own_layout():
    assert resized_image(torch.rand(2, 12, 16, 3), 8, 6, "bicubic", "center").shape == (2, 6, 8, 3)


@pytest.mark.parametrize(
    ("asked", "size"),
    [((0, 0), (640, 480)), ((320, 0), (320, 240)), ((0, 240), (320, 240)), ((10, 20), (10, 20))],
)
def test_a_side_of_zero_follows_from_the_other(asked, size):
    assert fitting_size((640, 480), *asked) == size


def test_a_side_is_never_less_than_the_least():
    assert fitting_size((640, 480), 8, 0, least=64) == (64, 64)


def test_a_picture_of_any_aspect_can_be_cut_to_any_other():
    assert resized(torch.ones(1, 1, 1, 4), 1, 1, "bilinear", "center").shape == (1, 1, 1, 1)
    assert resized(torch.ones(1, 1, 4, 1), 1, 1, "bilinear", "center").shape == (1, 1, 1, 1)
