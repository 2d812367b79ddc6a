from dataclasses import replace

import pytest
import torch

from diffusion.controlnet import Query, fitted_hint, one_control
from diffusion.errors import FamilyMismatch
from tests import tiny

RANDOM = torch.Generator().manual_seed(6)
TOKENS = torch.randn(1, 77, tiny.WIDTH, generator=RANDOM)
X = torch.randn(2, 4, 8, 8, generator=RANDOM) * 3
HINT = torch.rand(1, 64, 64, 3, generator=RANDOM)


@pytest.fixture
def net(library):
    return library.controlnet(tiny.CONTROLNET)


@pytest.fixture
def denoise(checkpoint):
    """The small model's answer with some controls, one row of the batch."""

    def denoised(*controls, sigma=3.0, x=X[:1], **options):
        return checkpoint.model.denoised(
            x, sigma, TOKENS.expand(len(x), -1, -1), controls=[controls], **options
        )

    return denoised


def reference(strength: float, sigma: float, timestep: int) -> torch.Tensor:
    """The steered answer by the library's own networks."""
    fed = X[:1] / (sigma**2 + 1) ** 0.5
    down, middle = tiny.controlnet()(fed, timestep, TOKENS, HINT.movedim(-1, 1), strength, return_dict=False)
    options = {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
    return X[:1] - sigma * tiny.unet()(fed, timestep, TOKENS, **options).sample


@pytest.mark.parametrize("strength", [1.0, 0.4])
def test_a_control_steers_as_the_library_s_networks_do(net, denoise, checkpoint, strength):
    sigma = checkpoint.model.noise.sigmas[600]
    steered = denoise(net.control(HINT, strength), sigma=sigma)
    assert torch.allclose(steered, reference(strength, sigma, 600), atol=1e-4)


def test_strength_zero_changes_nothing(net, denoise):
    assert torch.equal(denoise(net.control(HINT, 0.0)), denoise())


def test_a_control_acts_only_in_its_part_of_the_sampling(net, denoise, checkpoint):
    middle = checkpoint.model.noise.percent_to_sigma(0.5)
    late = net.control(HINT, start=0.6)
    assert torch.equal(denoise(late, sigma=middle), denoise(sigma=middle))


def test_both_ends_of_its_part_belong_to_a_control(net, checkpoint):
    model, control = checkpoint.model, net.control(HINT, start=0.25, end=0.75)
    levels = [model.noise.percent_to_sigma(percent) for percent in (0.2, 0.25, 0.5, 0.75, 0.8)]
    assert [model.is_active(control, sigma) for sigma in levels] == [False, True, True, True, False]


def test_chained_controls_add_up(net, denoise):
    half, whole = net.control(HINT, 0.5), net.control(HINT, 1.0)
    assert torch.allclose(denoise(half, net.control(HINT, 0.5)), denoise(whole), atol=1e-4)


def test_a_control_steers_only_the_rows_it_belongs_to(net, denoise, checkpoint):
    control = net.control(HINT)
    both = checkpoint.model.denoised(X, 3.0, TOKENS.expand(2, -1, -1), controls=[(control,), ()])
    assert torch.allclose(both[:1], denoise(control), atol=1e-4)
    assert torch.allclose(both[1:], denoise(x=X[1:]), atol=1e-4)


def test_each_picture_of_a_batch_has_its_own_hint(net, denoise, checkpoint):
    hints = torch.cat((HINT, 1 - HINT))
    control = net.control(hints)
    tokens = TOKENS.expand(4, -1, -1)
    rows = checkpoint.model.denoised(torch.cat((X, X)), 3.0, tokens, controls=[(control,)], prompts=2)
    assert torch.allclose(rows[3:], denoise(net.control(1 - HINT), x=X[1:]), atol=1e-4)


def test_a_hint_of_another_size_is_fitted(net, denoise):
    assert denoise(net.control(torch.rand(1, 40, 100, 3))).shape == (1, 4, 8, 8)


def test_a_wide_hint_is_cut_around_its_middle():
    hint = torch.arange(8.0).view(1, 1, 8, 1).expand(1, 4, 8, 3)
    assert fitted_hint(hint, 4, 4)[0, 0, 0].tolist() == [2, 3, 4, 5]


def test_a_tall_hint_is_cut_around_its_middle():
    hint = torch.arange(8.0).view(1, 8, 1, 1).expand(1, 8, 4, 3)
    assert fitted_hint(hint, 4, 4)[0, 0, :, 0].tolist() == [2, 3, 4, 5]


def test_a_hint_is_enlarged_to_nearest_pixels():
    hint = torch.tensor([0.0, 1.0]).view(1, 1, 2, 1).expand(1, 2, 2, 3)
    assert fitted_hint(hint, 4, 4)[0, 0, 0].tolist() == [0, 0, 1, 1]


def test_a_control_of_another_family_is_refused(net, denoise):
    with pytest.raises(FamilyMismatch, match="made for sdxl"):
        denoise(replace(net, family="sdxl").control(HINT))


def test_a_control_that_averages_adds_the_same_everywhere(net):
    query = Query(X[:1], 500.0, TOKENS)
    middle = one_control(replace(net, averages=True).control(HINT), query, [0], "sd15").middle
    assert torch.allclose(middle, middle.mean((2, 3), keepdim=True).expand_as(middle))
