from dataclasses import replace

import torch

from diffusion.families.sd15 import SD15
from diffusion.preview import preview


def test_a_preview_has_one_pixel_for_each_cell_of_the_first_latent():
    assert preview(torch.zeros(2, 4, 6, 9), SD15)().size == (9, 6)


def test_an_empty_latent_is_middle_grey():
    assert preview(torch.zeros(1, 4, 2, 2), SD15)().getpixel((0, 0)) == (127, 127, 127)


def test_channels_become_colours_by_the_factors_of_the_family():
    family = replace(SD15, preview=((1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)), preview_bias=(0, 0, 0.5))
    latent = torch.tensor([1.0, -1.0, 0.0, 9.0]).view(1, 4, 1, 1)
    assert preview(latent, family)().getpixel((0, 0)) == (255, 0, 191)


def test_broken_numbers_still_make_a_picture():
    assert preview(torch.full((1, 4, 2, 2), float("nan")), SD15)().getpixel((0, 0)) == (0, 0, 0)
