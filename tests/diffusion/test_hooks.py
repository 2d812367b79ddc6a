from dataclasses import replace

import pytest
import torch
from diffusers.utils.torch_utils import apply_freeu

from diffusion.controlnet import Control
from diffusion.hooks import STEERING, FreeU, Shrink, damped, decoder_steps, encoder_ends, evened
from tests import tiny

RANDOM = torch.Generator().manual_seed(7)
X = torch.randn(1, 4, 12, 16, generator=RANDOM) * 3
TOKENS = torch.randn(1, 77, tiny.WIDTH, generator=RANDOM)
NOTHING = FreeU({1: (1.0, 1.0), 2: (1.0, 1.0)}, adaptive=False)


def shrink(block: int = 1, factor: float = 2.0, after_skip: bool = True, first: float = 1e9) -> Shrink:
    return Shrink(block, factor, first, 0.0, after_skip, "bicubic", "bislerp")


@pytest.fixture
def denoise(checkpoint):
    """The small model's answer with some changes to what it computes."""

    def denoised(*hooks, x=X, **more):
        return replace(checkpoint.model, hooks=hooks).denoised(x, 3.0, TOKENS, **more)

    return denoised


def test_every_skip_of_the_encoder_meets_a_block_of_the_decoder():
    module = tiny.unet()
    assert len(encoder_ends(module)) == len(decoder_steps(module)) == 4


def test_the_backbone_s_channels_come_first():
    steps = decoder_steps(tiny.unet())
    assert [step.width for step in steps] == [16, 16, 16, 8]
    assert all(step.width < step.block.in_channels for step in steps)


def test_factors_of_one_change_nothing(denoise):
    assert torch.allclose(denoise(NOTHING), denoise(), atol=1e-4)


def test_free_u_acts_where_a_block_has_so_many_channels(denoise):
    assert not torch.allclose(denoise(FreeU({1: (1.5, 0.5)}, adaptive=False)), denoise(), atol=1e-3)
    assert torch.equal(denoise(FreeU({4: (1.5, 0.5)}, adaptive=False)), denoise())


def test_free_u_is_that_of_the_library():
    joined = torch.randn(2, 12, 6, 8, generator=RANDOM)
    wanted = apply_freeu(0, joined[:, :8].clone(), joined[:, 8:].clone(), b1=1.4, s1=0.3)
    assert torch.allclose(
        FreeU({}, adaptive=False).change(8, 1.4, 0.3)(joined), torch.cat(wanted, 1), atol=1e-5
    )


def test_an_adaptive_factor_is_one_where_little_is_to_be_seen():
    joined = torch.randn(1, 12, 6, 8, generator=RANDOM)
    ratio = FreeU({}, adaptive=True).change(8, 1.5, 1.0)(joined)[:, :4] / joined[:, :4]
    assert float(ratio.min()) == pytest.approx(1, abs=1e-4) and float(ratio.max()) == pytest.approx(
        1.5, abs=1e-4
    )


def test_a_plain_picture_has_nothing_to_follow():
    assert not evened(torch.ones(1, 4, 3, 3)).any()


@pytest.mark.parametrize("shape", [(1, 2, 1, 1), (1, 2, 5, 8)])
def test_frequencies_multiplied_by_one_stay(shape):
    planes = torch.randn(shape, generator=RANDOM)
    assert torch.allclose(damped(planes, 1.0), planes, atol=1e-5)


def test_the_mean_belongs_to_the_lowest_frequencies():
    assert torch.allclose(damped(torch.ones(1, 1, 6, 6), 0.25), torch.full((1, 1, 6, 6), 0.25), atol=1e-5)


@pytest.mark.parametrize("after_skip", [True, False])
@pytest.mark.parametrize("block", [1, 2, 3])
@pytest.mark.parametrize("factor", [2.0, 1.5, 0.7])
def test_a_picture_made_smaller_inside_keeps_its_size(denoise, block, factor, after_skip):
    made = denoise(shrink(block, factor, after_skip))
    assert made.shape == X.shape and not torch.allclose(made, denoise(), atol=1e-3)


def test_of_a_small_picture_at_least_one_cell_is_left(denoise):
    small = X[..., :4, :4]
    assert denoise(shrink(3, 9.0), x=small).shape == small.shape


def test_a_factor_of_one_makes_nothing_smaller(denoise):
    assert torch.allclose(denoise(shrink(factor=1.0)), denoise(), atol=1e-4)


def test_outside_its_part_of_the_sampling_nothing_is_smaller(denoise):
    assert torch.equal(denoise(shrink(first=1.0)), denoise())


def test_a_block_that_is_not_there_is_passed_over(denoise):
    assert torch.equal(denoise(shrink(block=30)), denoise())


@pytest.mark.parametrize("after_skip", [True, False])
@pytest.mark.parametrize("block", [1, 2, 3])
def test_a_control_steers_the_blocks_before_those_that_see_the_smaller_picture(
    denoise, library, block, after_skip
):
    control = Control(library.controlnet(tiny.CONTROLNET), torch.rand(1, 3, 96, 128, generator=RANDOM))
    steered = denoise(shrink(block, 2.0, after_skip), controls=[(control,)])
    assert steered.isfinite().all()
    assert not torch.allclose(steered, denoise(shrink(block, 2.0, after_skip)), atol=1e-4)
    whole = denoise(shrink(block, 1.0, after_skip), controls=[(control,)])
    assert torch.allclose(whole, denoise(controls=[(control,)]), atol=1e-4)


def test_what_steers_smaller_blocks_is_left_out_in_skips_middle_and_levels():
    module, hook, full = tiny.unet(), shrink(1), [torch.ones(1, 8, 12, 16)]
    called = {STEERING[0]: full * 4, STEERING[1]: full[0], STEERING[2]: full * 2}
    _, named = hook.steered_before(module, (X,), called)
    assert [each.ndim for each in named[STEERING[0]]] == [4, 4, 0, 0]
    assert named[STEERING[1]].ndim == 0
    assert [each.ndim for each in named[STEERING[2]]] == [4, 0]
    assert hook.steered_before(module, (X,), dict.fromkeys(STEERING))[1] == dict.fromkeys(STEERING)


def test_changes_are_removed_after_a_forward(denoise):
    before = denoise()
    denoise(shrink(), FreeU({1: (1.5, 0.5)}, adaptive=True))
    assert torch.equal(denoise(), before)
