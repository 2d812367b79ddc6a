import pytest
import torch

from graph.define import spec_of
from nodes.inpaint import (
    differential_diffusion,
    inpaint_model_conditioning,
    instruct_pix_to_pix_conditioning,
    set_latent_noise_mask,
    vae_encode_for_inpaint,
)
from nodes.sampling import ksampler
from nodes.text import encode_prompt
from nodes.vae import vae_encode
from tests import tiny
from tests.diffusion.toy import latent, says, toy_model

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
    assert torch.allclose(result[..., :half], source.samples[..., :half], atol=1e-4)
    assert not torch.allclose(result[..., half:], source.samples[..., half:], atol=1e-2)


@pytest.fixture(scope="module")
def inpainting(tmp_path_factory):
    """The small inpainting checkpoint."""
    return tiny.library(tiny.models(tmp_path_factory.mktemp("models"))).checkpoint(tiny.INPAINTING)


def test_a_model_for_inpainting_is_shown_the_picture_without_what_the_mask_hides(inpainting):
    hidden = torch.where(MASK[..., None] > 0, torch.rand_like(PICTURE), PICTURE)
    seen = [
        inpaint_model_conditioning(says(1), says(0), inpainting.vae, picture, MASK).positive.entries[0]
        for picture in (PICTURE, hidden)
    ]
    assert torch.equal(seen[0].concat_latent, seen[1].concat_latent)
    assert torch.equal(seen[0].concat_mask[:, 0], MASK)


def test_the_latent_to_start_from_knows_the_whole_picture_and_keeps_what_is_not_masked(inpainting):
    vae = inpainting.vae
    kept, free = (
        inpaint_model_conditioning(says(1), says(0), vae, PICTURE, MASK, switch).latent
        for switch in (True, False)
    )
    assert torch.equal(kept.samples, vae_encode(PICTURE, vae).samples)
    assert (torch.equal(kept.noise_mask[:, 0], MASK), free.noise_mask) == (True, None)


def test_what_a_prompt_shows_changes_what_a_model_for_inpainting_paints(inpainting):
    model, clip, vae = inpainting
    prompt = encode_prompt("a fox", clip)
    pictures = [
        ksampler(model, *inpaint_model_conditioning(prompt, prompt, vae, picture, MASK, False), steps=2)
        for picture in (PICTURE, 1 - PICTURE)
    ]
    blind = ksampler(model, prompt, prompt, pictures[0], steps=2)
    assert not torch.equal(pictures[0].samples, pictures[1].samples)
    assert not torch.equal(pictures[0].samples, blind.samples)


def test_a_model_for_editing_starts_from_nothing_and_is_shown_the_picture(inpainting):
    shown = instruct_pix_to_pix_conditioning(says(1), says(0), inpainting.vae, PICTURE)
    expected = vae_encode(PICTURE, inpainting.vae).samples
    assert not shown.latent.samples.any() and shown.latent.samples.shape == expected.shape
    assert torch.equal(shown.negative.entries[0].concat_latent, expected)


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (inpaint_model_conditioning, "positive negative vae pixels mask noise_mask"),
        (instruct_pix_to_pix_conditioning, "positive negative vae pixels"),
    ],
)
def test_the_nodes_that_show_a_picture_have_the_field_s_inputs(function, names):
    spec = spec_of(function)
    assert " ".join(each.name for each in spec.inputs) == names
    assert [each.name for each in spec.outputs] == ["positive", "negative", "latent"]


def test_where_a_mask_is_grey_differential_diffusion_changes_the_picture_less():
    greys = torch.linspace(0, 1, 4).repeat_interleave(2).expand(1, 8, 8)
    source = latent()
    masked = set_latent_noise_mask(source, greys)
    result = ksampler(differential_diffusion(toy_model()), says(3), says(0), masked, steps=8, cfg=1.0).samples
    moved = (result - source.samples).abs().mean((0, 1, 2)).view(4, 2).mean(1).tolist()
    assert moved[0] == pytest.approx(0, abs=1e-5)
    assert moved == sorted(moved)


def test_without_strength_a_grey_mask_is_what_it_was():
    masked = set_latent_noise_mask(latent(), torch.full((1, 8, 8), 0.5))
    plain, changed = (
        ksampler(model, says(1), says(0), masked, steps=3).samples
        for model in (toy_model(), differential_diffusion(toy_model(), 0.0))
    )
    assert torch.equal(plain, changed)
