import pytest
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


def test_ancestral_steps_keep_the_spread_of_gaussian_data():
    x = torch.randn(1, 1, 200, 200, generator=torch.Generator().manual_seed(1)) * 10
    sigmas = tuple(10 * 0.97**k for k in range(140))
    steps = list(euler_ancestral(lambda x, s: x / (1 + s**2), x, sigmas, noise=step_noise(x, 1)))
    assert float(steps[-1].x.std()) == pytest.approx((1 + sigmas[-1] ** 2) ** 0.5, rel=0.05)


def test_for_a_flow_model_ancestral_steps_keep_signal_and_noise_adding_up():
    x = torch.randn(1, 1, 200, 200, generator=torch.Generator().manual_seed(1))
    sigmas = tuple(1 - k / 40 for k in range(30))
    steps = list(
        euler_ancestral(lambda x, s: torch.zeros_like(x), x, sigmas, noise=step_noise(x, 1), flow=True)
    )
    assert float(steps[-1].x.std()) == pytest.approx(sigmas[-1], rel=0.05)
