import torch

from diffusion.noise import step_noise
from diffusion.samplers.euler import euler_ancestral
from diffusion.samplers.step import ancestral_split

ZEROS = torch.zeros(1, 4, 8, 8)


def guess(x, sigma):
    return x * 0.5


def test_ancestral_steps_draw_from_a_generator_one_seed_higher_in_step_order():
    generator = torch.Generator().manual_seed(8)
    first, second = (torch.randn(ZEROS.shape, generator=generator) for _ in range(2))
    sigmas = (4.0, 3.0, 2.0)
    steps = list(euler_ancestral(lambda x, sigma: x, ZEROS, sigmas, noise=step_noise(ZEROS, 7)))
    ups = [ancestral_split(4.0, 3.0)[1], ancestral_split(3.0, 2.0)[1]]
    assert torch.equal(steps[-1].x, first * ups[0] + second * ups[1])


def test_another_seed_gives_another_latent():
    one, other = (
        list(euler_ancestral(guess, ZEROS, (4.0, 2.0, 0.0), noise=step_noise(ZEROS, s)))[-1].x for s in (1, 2)
    )
    assert not torch.equal(one, other)
