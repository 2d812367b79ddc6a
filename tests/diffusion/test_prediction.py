import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffusion.noise_range import linear_betas
from diffusion.prediction import (
    COSMOS_FLOW,
    EDM,
    EPSILON,
    FLOW,
    IMAGE_TO_IMAGE,
    VELOCITY,
    X0,
    lcm,
)

SIGMAS = st.floats(0.03125, 14.5, width=32)


def states(sigma: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A clean latent, noise, and the noisy state they make."""
    random = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 1, 4, 4, 4, generator=random)
    return clean, noise, clean + sigma * noise


@given(SIGMAS)
def test_a_network_that_knows_the_noise_finds_the_clean_latent(sigma):
    clean, noise, x = states(sigma)
    assert torch.allclose(EPSILON.denoised(x, noise, sigma), clean, atol=1e-5)


@given(SIGMAS)
def test_a_network_that_knows_the_velocity_finds_the_clean_latent(sigma):
    clean, noise, x = states(sigma)
    velocity = (noise - sigma * clean) / (sigma**2 + 1) ** 0.5
    assert torch.allclose(VELOCITY.denoised(x, velocity, sigma), clean, atol=1e-5)


@given(SIGMAS)
def test_a_network_that_knows_what_is_missing_finds_the_clean_latent(sigma):
    clean, _noise, x = states(sigma)
    kept, scale = 0.25 / (sigma**2 + 0.25), 0.5 * sigma / (sigma**2 + 0.25) ** 0.5
    assert torch.allclose(EDM.denoised(x, (clean - kept * x) / scale, sigma), clean, atol=1e-4)


@pytest.mark.parametrize("prediction", [X0, IMAGE_TO_IMAGE])
def test_a_network_that_says_the_clean_latent_is_believed(prediction):
    clean, _noise, x = states(2.0)
    assert torch.equal(prediction.denoised(x, clean, 2.0), clean)


@given(st.floats(0.0078125, 0.9921875, width=32))
def test_a_network_that_knows_the_direction_of_flow_finds_the_clean_latent(sigma):
    clean, noise, _x = states(sigma)
    x = FLOW.noised(noise, clean, sigma, False)
    assert torch.allclose(FLOW.denoised(x, noise - clean, sigma), clean, atol=1e-5)


@given(SIGMAS)
def test_a_network_that_knows_cosmos_s_flow_finds_the_clean_latent(sigma):
    clean, noise, x = states(sigma)
    assert torch.allclose(COSMOS_FLOW.denoised(x, noise - clean, sigma), clean, atol=1e-4)


@given(SIGMAS)
def test_cosmos_is_fed_the_line_between_latent_and_noise(sigma):
    clean, noise, x = states(sigma)
    part = sigma / (sigma + 1)
    expected = clean * (1 - part) + noise * part
    assert torch.allclose(COSMOS_FLOW.scale_input(x, sigma), expected, atol=1e-5)


def test_a_consistency_model_is_believed_where_there_is_noise():
    clean, noise, x = states(14.0)
    assert torch.allclose(lcm(linear_betas()).denoised(x, noise, 14.0), clean, atol=1e-3)


def test_a_consistency_model_keeps_the_state_where_time_is_zero():
    clean, noise, _x = states(0.0)
    least = linear_betas().sigma_min
    assert torch.equal(lcm(linear_betas()).denoised(clean, noise, least), clean)


@given(SIGMAS)
def test_the_network_is_fed_about_unit_variance(sigma):
    x = torch.randn(1, 4, 64, 64, generator=torch.Generator().manual_seed(1)) * (1 + sigma**2) ** 0.5
    assert float(EPSILON.scale_input(x, sigma).std()) == pytest.approx(1, abs=0.03)


def test_data_of_half_the_spread_is_fed_by_its_own_variance():
    assert float(EDM.scale_input(torch.ones(1), 0.5)) == pytest.approx(2**0.5)


@pytest.mark.parametrize("prediction", [FLOW, IMAGE_TO_IMAGE])
def test_some_networks_are_fed_the_state_itself(prediction):
    x = states(0.5)[2]
    assert prediction.scale_input(x, 0.5) is x


def test_at_the_highest_level_the_noise_is_scaled_to_the_whole_variance():
    noise, latent = torch.ones(1, 4, 2, 2), torch.zeros(1, 4, 2, 2)
    assert torch.equal(EPSILON.noised(noise, latent, 3.0, True), noise * torch.tensor(10.0).sqrt())


def test_below_the_highest_level_noise_is_added_to_the_latent():
    noise = latent = torch.ones(1, 4, 2, 2)
    assert torch.equal(EPSILON.noised(noise, latent, 3.0, False), torch.full_like(noise, 4.0))


def test_cosmos_starts_from_noise_on_top_even_at_the_highest_level():
    noise = latent = torch.ones(1, 4, 2, 2)
    assert torch.equal(COSMOS_FLOW.noised(noise, latent, 3.0, True), torch.full_like(noise, 4.0))


def test_a_state_stands_for_itself_where_sampling_stops():
    x = torch.ones(1, 4, 2, 2)
    assert EPSILON.final(x, 1.0) is x


@given(st.floats(0.0078125, 0.75, width=32))
def test_stages_of_a_flow_chain_exactly(sigma):
    x = states(1.0)[2]
    handed_on = FLOW.final(x, sigma)
    assert torch.allclose(FLOW.noised(torch.zeros_like(x), handed_on, sigma, False), x, atol=1e-5)
