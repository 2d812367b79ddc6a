import pytest
import torch

from diffusion.noise import sized_noise, step_noise
from diffusion.samplers.lcm import lcm, lcm_upscale

ZEROS = torch.zeros(1, 4, 8, 6)
SIX = (14.0, 8.0, 4.0, 2.0, 1.0, 0.5, 0.0)


def half(x, _sigma):
    return x / 2


def sizes(**options):
    steps = lcm_upscale(half, ZEROS, SIX, noise=sized_noise(ZEROS, 1), **options)
    return [tuple(step.x.shape[-2:]) for step in steps]


def test_a_picture_grows_by_as_much_at_each_of_the_first_half_of_the_steps():
    assert sizes(ratio=2.5) == [(12, 9), (16, 12), (20, 15), (20, 15), (20, 15), (20, 15)]


@pytest.mark.parametrize(("growing", "reached"), [(1, 0), (6, 5), (50, 5)])
def test_it_is_as_large_as_wanted_after_so_many_steps_or_all(growing, reached):
    found = sizes(ratio=2.0, growing=growing)
    assert found.index((16, 12)) == reached and found[-1] == (16, 12)


def test_in_no_steps_nothing_grows_and_nothing_shrinks_away():
    assert sizes(ratio=9.0, growing=0) == [(8, 6)] * 6
    assert sizes(ratio=0.01)[-1] == (1, 1)


@pytest.mark.parametrize("flow", [False, True])
def test_without_growth_it_is_lcm(flow):
    sigmas = tuple(sigma / 20 for sigma in SIX)
    plain = list(lcm(half, ZEROS, sigmas, noise=step_noise(ZEROS, 3), flow=flow))
    same = list(
        lcm_upscale(half, ZEROS, sigmas, noise=sized_noise(ZEROS, 3), flow=flow, ratio=1.0, method="area")
    )
    assert torch.allclose(plain[-1].x, same[-1].x)
    assert [each.denoised.shape for each in same] == [ZEROS.shape] * 6
