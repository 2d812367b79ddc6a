import torch

from nodes.compositing import (
    image_blend,
    image_composite_masked,
    join_image_with_alpha,
    latent_composite,
    latent_composite_masked,
    mask_composite,
    porter_duff_image_composite,
    split_image_with_alpha,
)
from tests.diffusion.toy import latent

PICTURE = torch.rand(2, 6, 8, 3, generator=torch.Generator().manual_seed(0))
MASK = torch.rand(1, 6, 8, generator=torch.Generator().manual_seed(1))


def test_a_picture_is_pasted_onto_another():
    made = image_composite_masked(torch.zeros(1, 10, 10, 3), PICTURE, 2, 4)
    assert torch.equal(made[0, 4:, 2:], PICTURE[0])


def test_two_pictures_blend():
    assert torch.allclose(image_blend(PICTURE, PICTURE, 0.3, "normal"), PICTURE, atol=1e-6)


def test_transparency_that_was_joined_can_be_split_off():
    image, mask = split_image_with_alpha(join_image_with_alpha(PICTURE, MASK))
    assert torch.equal(image, PICTURE) and torch.allclose(mask, MASK.expand(2, -1, -1), atol=1e-6)


def test_a_picture_without_transparency_is_to_be_seen_everywhere():
    assert not split_image_with_alpha(PICTURE).mask.any()


def test_a_mask_of_another_size_fits_the_picture():
    assert join_image_with_alpha(PICTURE, torch.rand(3, 20, 20)).shape == (3, 6, 8, 4)


def test_porter_and_duff_show_the_destination_by_default():
    image, mask = porter_duff_image_composite(PICTURE, MASK, PICTURE, MASK)
    assert torch.allclose(mask, MASK.expand(2, -1, -1), atol=1e-6) and image.shape == PICTURE.shape


def test_a_mask_is_set_against_another():
    made = mask_composite(torch.ones(1, 6, 8), MASK, 0, 0, "multiply")
    assert torch.allclose(made, MASK)


def test_latents_are_pasted_in_pixels_of_the_picture():
    below, above = latent(height=16, width=16), latent(seed=1)
    for made in (latent_composite(below, above, 16, 24), latent_composite_masked(below, above, 16, 24)):
        assert torch.equal(made.samples[..., 3:11, 2:10], above.samples)
