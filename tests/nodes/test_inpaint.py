import pytest
import torch

from nodes.inpaint import set_latent_noise_mask, vae_encode_for_inpaint
from nodes.sampling import ksampler
from nodes.text import encode_prompt
from nodes.vae import vae_encode
from tests import tiny
from tests.diffusion.toy import latent

MASK = torch.zeros(1, 64, 64)
MASK[:, :, 32:] = 1
PICTURE = torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(0))


def test_a_mask_is_kept_as_it_is_with_the_latent():
    source = latent()
    masked = set_latent_noise_mask(source, MASK)
    assert (masked.samples is source.samples, torch.equal(masked.noise_mask[:, 0], MASK)) == (True, True)


def test_what_is_encoded_for_inpainting_knows_nothing_of_the_picture_under_the_mask(tmp_path):
    vae = tiny.library(tiny.models(tmp_path)).checkpoint(tiny.CHECKPOINT).vae
    other = torch.where(MASK[..., None] > 0, torch.rand_like(PICTURE), PICTURE)
    one, same = (vae_encode_for_inpaint(picture, vae, MASK, 0) for picture in (PICTURE, other))
    assert torch.equal(one.samples, same.samples)
    assert torch.equal(one.noise_mask[:, 0], MASK)


@pytest.mark.parametrize("name", [tiny.CHECKPOINT, tiny.INPAINTING])
def test_a_sampler_repaints_only_under_the_mask(tmp_path, name):
    model, clip, vae = tiny.library(tiny.models(tmp_path)).checkpoint(name)
    prompt, source = encode_prompt("a fox", clip), vae_encode(PICTURE, vae)
    result = ksampler(model, prompt, prompt, set_latent_noise_mask(source, MASK), steps=3).samples
    half = result.shape[-1] // 2
    assert torch.equal(result[..., :half], source.samples[..., :half])
    assert not torch.equal(result[..., half:], source.samples[..., half:])
