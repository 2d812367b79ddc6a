import torch

from nodes.latent_mixing import (
    latent_add,
    latent_blend,
    latent_interpolate,
    latent_multiply,
    latent_subtract,
)
from tests.diffusion.toy import latent

ONE, OTHER = latent(noise_mask=torch.ones(1, 1, 8, 8)), latent(seed=1)


def test_what_is_added_can_be_subtracted():
    assert torch.allclose(latent_subtract(latent_add(ONE, OTHER), OTHER).samples, ONE.samples, atol=1e-6)


def test_a_latent_is_multiplied():
    assert torch.equal(latent_multiply(ONE, -2.0).samples, ONE.samples * -2)


def test_the_middle_of_interpolating_and_blending_differ():
    assert not torch.allclose(
        latent_interpolate(ONE, OTHER, 0.5).samples, latent_blend(ONE, OTHER, 0.5).samples
    )


def test_the_first_latent_s_mask_is_kept():
    assert latent_blend(ONE, OTHER).noise_mask is ONE.noise_mask
