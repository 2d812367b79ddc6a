import pytest
import torch

from diffusion.noise import initial_noise
from nodes.latent import empty_latent_image, latent_from_batch, repeat_latent_batch
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
