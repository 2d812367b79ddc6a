import torch
from diffusers import DDPMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from diffusion.families.sd_x4 import SD_X4
from diffusion.low_resolution import shrunk
from diffusion.resize import resized
from diffusion.unclip import SEED_SHIFT
from diffusion.values import Prompt

SCHEDULE = DDPMScheduler(1000, beta_start=0.0001, beta_end=0.02, beta_schedule="scaled_linear")
SMALL = torch.rand(2, 3, 6, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1
X = torch.zeros(2, 4, 6, 8)


def told(noise: float = 0.0, seed: int = 5, x: torch.Tensor = X, small=SMALL) -> Prompt:
    prompt = Prompt(torch.zeros(1, 77, 8), torch.ones(1, 8), concat_latent=small, concat_noise=noise)
    return SD_X4.augmentation(None).told(prompt, x, seed)


@settings(max_examples=15)
@given(st.floats(0, 1), st.integers(0, 2**63))
def test_a_small_picture_is_made_noisy_by_the_schedule_that_was_published_with_the_model(share, seed):
    drawn = torch.randn(SMALL.shape, generator=torch.Generator().manual_seed(seed + SEED_SHIFT))
    level = torch.tensor([round(350 * share)] * 2)
    prompt = told(share, seed)
    assert torch.equal(prompt.pooled, level[:1, None])
    assert torch.allclose(prompt.concat_latent, SCHEDULE.add_noise(SMALL, drawn, level), atol=1e-5)


def test_the_noise_is_on_the_grid_of_the_latents():
    large = torch.zeros(1, 4, 12, 16)
    drawn = torch.randn(2, 3, 12, 16, generator=torch.Generator().manual_seed(5 + SEED_SHIFT))
    expected = SCHEDULE.add_noise(resized(SMALL, 16, 12, "bilinear"), drawn, torch.tensor([350, 350]))
    assert torch.allclose(told(1.0, 5, large).concat_latent, expected, atol=1e-5)


def test_without_a_picture_the_lowest_level_is_told():
    prompt = told(0.5, small=None)
    assert torch.equal(prompt.pooled, torch.zeros(1, 1, dtype=torch.int64)) and prompt.concat_latent is None


def test_to_become_four_times_as_large_a_picture_stays_as_it_is():
    image = torch.rand(1, 7, 9, 4)
    assert torch.allclose(shrunk(image, 4.0), image[..., :3].movedim(-1, 1) * 2 - 1)


@settings(max_examples=15)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 10))
def test_its_sides_are_a_quarter_of_those_of_the_large_one(height, width, scale):
    small = shrunk(torch.rand(1, height, width, 3), scale)
    wanted = [max(1, max(1, round(side * scale)) // 4) for side in (height, width)]
    assert list(small.shape) == [1, 3, *wanted]
    assert small.min() >= -1 and small.max() <= 1
