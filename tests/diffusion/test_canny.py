import pytest
import torch

from diffusion.canny import canny


def half(contrast=1.0, size=32):
    image = torch.zeros(1, size, size, 3)
    image[:, :, size // 2 :] = contrast
    return image


def test_an_even_picture_has_no_edges():
    assert not canny(torch.full((1, 16, 16, 3), 0.7), 0.1, 0.2).any()


@pytest.mark.parametrize("turned", [False, True])
def test_a_straight_border_is_one_line_one_pixel_wide(turned):
    edges = canny(half().transpose(1, 2) if turned else half(), 0.4, 0.8)[0, :, :, 0]
    assert edges.sum(dim=0 if turned else 1).unique().tolist() == [1]


def test_the_line_lies_on_the_border():
    columns = canny(half(), 0.4, 0.8)[0, 16, :, 0].nonzero().flatten().tolist()
    assert columns in ([15], [16])


def test_a_slanted_border_is_an_unbroken_line():
    image = torch.ones(32, 32).tril()[None, :, :, None].repeat(1, 1, 1, 3)
    assert (canny(image, 0.4, 0.8)[0, :, :, 0].sum(dim=1) >= 1).all()


def test_a_weak_border_is_left_out():
    assert not canny(half(0.1), 0.4, 0.8).any()


def test_a_weak_part_is_kept_where_it_goes_on_from_a_strong_one():
    fading = half() * torch.linspace(1, 0.15, 32).view(1, 32, 1, 1)
    assert canny(fading, 0.3, 0.8)[0, 30, 10:22].any()
    assert not canny(fading[:, 28:], 0.3, 0.8).any()


def test_lower_thresholds_never_lose_an_edge():
    image = torch.rand(1, 24, 24, 3, generator=torch.Generator().manual_seed(0))
    strict, loose = canny(image, 0.5, 0.9), canny(image, 0.2, 0.6)
    assert (torch.as_tensor(loose) >= torch.as_tensor(strict)).all()


def test_edges_are_white_on_black_in_three_channels():
    edges = canny(half(), 0.4, 0.8)
    assert (tuple(edges.shape), edges.unique().tolist()) == ((1, 32, 32, 3), [0, 1])


def test_pictures_of_one_or_four_channels_will_do():
    assert canny(torch.rand(2, 8, 8, 1), 0.4, 0.8).shape == canny(torch.rand(2, 8, 8, 4), 0.4, 0.8).shape
