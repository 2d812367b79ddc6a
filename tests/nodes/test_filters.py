import pytest
import torch

from nodes.filters import (
    image_add_noise,
    image_blur,
    image_morphology,
    image_quantize,
    image_rgb_to_yuv,
    image_sharpen,
    image_yuv_to_rgb,
)

PICTURE = torch.rand(2, 12, 8, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "node",
    [
        lambda: image_blur(PICTURE, 2, 0.5),
        lambda: image_sharpen(PICTURE, 2, 0.5, 1.5),
        lambda: image_quantize(PICTURE, 8, "bayer-4"),
        lambda: image_morphology(PICTURE, "close", 4),
        lambda: image_add_noise(PICTURE, 3, 0.2),
    ],
)
def test_a_filter_changes_a_picture_and_keeps_its_size_and_range(node):
    made = node()
    assert made.shape == PICTURE.shape and not torch.equal(made, PICTURE)
    assert float(made.min()) >= 0 and float(made.max()) <= 1 + 1e-6


def test_brightness_and_colour_make_the_picture_again():
    assert torch.allclose(image_yuv_to_rgb(*image_rgb_to_yuv(PICTURE)), PICTURE, atol=5e-3)


def test_grey_lies_in_the_middle_of_all_colours():
    grey = torch.full((1, 2, 2, 3), 0.3)
    assert [round(float(each.mean()), 3) for each in image_rgb_to_yuv(grey)] == [0.3, 0.5, 0.5]
