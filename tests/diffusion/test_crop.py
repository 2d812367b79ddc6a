import pytest
import torch

from diffusion.crop import center_cropped

PLANES = torch.rand(2, 3, 12, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("width", "height", "shape"), [(8, 8, (12, 12)), (32, 8, (4, 16)), (16, 12, (12, 16)), (8, 24, (12, 4))]
)
def test_cropping_takes_the_middle_in_the_new_aspect(width, height, shape):
    assert center_cropped(PLANES, width, height).shape[-2:] == shape


def test_cropping_to_another_aspect_cuts_both_sides_alike():
    assert torch.equal(center_cropped(PLANES, 12, 12), PLANES[..., 2:14])
