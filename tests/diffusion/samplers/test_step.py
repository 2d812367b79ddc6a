import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffusion.samplers.step import ancestral_split, flow_ancestral_split

levels = st.floats(0.03125, 80, width=32)


@given(levels, levels)
def test_the_variances_of_the_two_parts_add_up_to_the_next_level(a, b):
    sigma, sigma_next = max(a, b), min(a, b)
    down, up = ancestral_split(sigma, sigma_next)
    assert down**2 + up**2 == pytest.approx(sigma_next**2, rel=1e-5)


@given(levels, levels)
def test_without_eta_nothing_is_random(a, b):
    assert ancestral_split(max(a, b), min(a, b), eta=0) == pytest.approx((min(a, b), 0))


def test_the_split_is_float32_arithmetic_in_the_order_of_the_formula():
    there, here = np.float32(0.0291671585), np.float32(14.6146412)
    up = np.sqrt(there**2 * (here**2 - there**2) / here**2)
    assert ancestral_split(float(here), float(there)) == (float(np.sqrt(there**2 - up**2)), float(up))


@given(st.floats(0.125, 0.9375, width=32), st.floats(0.125, 0.9375, width=32))
def test_a_flow_split_keeps_signal_and_noise_adding_up_to_one(a, b):
    down, scale, renoise = flow_ancestral_split(max(a, b), min(a, b))
    assert scale * (1 - down) == pytest.approx(1 - min(a, b), rel=1e-4)
    assert (scale * down) ** 2 + renoise**2 == pytest.approx(min(a, b) ** 2, rel=1e-3)
