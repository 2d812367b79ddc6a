from dataclasses import replace

import pytest
import torch
from diffusers import DDPMScheduler
from diffusers.models.embeddings import get_timestep_embedding
from hypothesis import given
from hypothesis import strategies as st

from diffusion.clip_vision import Seen, see, squared
from diffusion.encode import encode
from diffusion.errors import FamilyMismatch, MissingPart
from diffusion.guidance import cfg
from diffusion.networks import Vector
from diffusion.prediction import VELOCITY
from diffusion.sample import Guider, Job, sample, told
from diffusion.unclip import MERGED, SEED_SHIFT, Augmentor
from diffusion.values import Conditioning, Followed, Latent, Prompt
from tests import tiny

WIDTH = 8
RANDOM = torch.Generator().manual_seed(26)
AUGMENTOR = Augmentor(torch.randn(1, WIDTH, generator=RANDOM), torch.rand(1, WIDTH, generator=RANDOM) + 0.5)
SCHEDULE = DDPMScheduler(1000, beta_schedule="squaredcos_cap_v2")


def seen(*rows: torch.Tensor) -> Seen:
    return Seen(torch.stack(rows), torch.zeros(1, 2, 4), torch.zeros(1, 2, 4))


def picture(seed: int) -> torch.Tensor:
    return torch.randn(WIDTH, generator=torch.Generator().manual_seed(seed))


def by_the_library(row: torch.Tensor, level: int, noise: torch.Tensor) -> torch.Tensor:
    """A noisy embedding and its level, by the library's schedule and waves."""
    scaled = (row[None] - AUGMENTOR.mean) / AUGMENTOR.spread
    noisy = SCHEDULE.add_noise(scaled, noise, torch.tensor([level]))
    waves = get_timestep_embedding(torch.tensor([level]), WIDTH, flip_sin_to_cos=True, downscale_freq_shift=0)
    return torch.cat((noisy * AUGMENTOR.spread + AUGMENTOR.mean, waves), 1)


@given(st.floats(0, 1), st.integers(0, 2**63), st.floats(-2, 2))
def test_one_picture_is_made_noisy_by_the_cosine_schedule(share, seed, strength):
    noise = torch.randn(1, WIDTH, generator=torch.Generator().manual_seed(seed + SEED_SHIFT))
    expected = by_the_library(picture(1), round(999 * share), noise) * strength
    made = AUGMENTOR.vector([Followed(seen(picture(1)), strength, share)], seed)
    assert torch.allclose(made, expected, atol=1e-5)


def test_several_pictures_are_added_and_made_a_little_noisy_again():
    one, other = (AUGMENTOR.vector([Followed(seen(picture(n)), 0.5)], 3) for n in (1, 2))
    random = torch.Generator().manual_seed(3 + SEED_SHIFT)
    _first, second = torch.randn(1, WIDTH, generator=random), torch.randn(1, WIDTH, generator=random)
    expected = by_the_library((one + other)[0, :WIDTH], round(999 * MERGED), second)
    pictures = [Followed(seen(picture(n)), 0.5) for n in (1, 2)]
    assert torch.allclose(AUGMENTOR.vector(pictures, 3), expected, atol=1e-5)
    together = [Followed(seen(picture(1), picture(2)), 0.5)]
    assert torch.allclose(AUGMENTOR.vector(together, 3), expected, atol=1e-5)


def test_without_a_picture_the_network_is_told_zeros():
    assert torch.equal(AUGMENTOR.vector([], 1), torch.zeros(1, 2 * WIDTH))


def test_what_another_image_encoder_saw_is_refused():
    with pytest.raises(FamilyMismatch, match="in 5 numbers, but the model reads 8"):
        AUGMENTOR.vector([Followed(seen(torch.zeros(5)))], 1)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    (folder / "checkpoints").mkdir()
    tiny.save_unclip(folder / "checkpoints" / "unclip.safetensors")
    tiny.save_sd2(folder / "checkpoints" / tiny.SD2)
    return tiny.library(folder)


@pytest.fixture
def model(library):
    return library.checkpoint("unclip.safetensors").model


def test_a_checkpoint_that_follows_pictures_is_recognised(model):
    assert (model.family.name, model.prediction) == ("sd2", VELOCITY)
    assert model.augmentation is not None
    assert torch.allclose(model.augmentation.mean, torch.linspace(-1, 1, WIDTH))


def test_a_checkpoint_that_follows_none_has_no_image_encoder(library):
    assert library.checkpoint(tiny.SD2).model.augmentation is None
    with pytest.raises(MissingPart, match="tiny_sd2.safetensors has no image encoder inside"):
        library.checkpoint_vision(tiny.SD2)


def test_its_image_encoder_sees_as_the_library_s(library):
    image = torch.rand(1, 28, 28, 3, generator=torch.Generator().manual_seed(1))
    expected = tiny.image_encoder(4)(pixel_values=squared(image, 28)).image_embeds
    made = see(library.checkpoint_vision("unclip.safetensors"), image)
    assert torch.allclose(made.image_embeds, expected, atol=1e-3)


def test_the_network_denoises_as_the_library_s_does(model):
    random = torch.Generator().manual_seed(0)
    x, tokens = torch.randn(1, 4, 8, 8, generator=random), torch.randn(1, 77, WIDTH, generator=random)
    prompt = Prompt(tokens, torch.randn(1, WIDTH), "sd2", pictures=(Followed(seen(picture(4))),))
    ((conditioning,),) = [told(model, (Conditioning((prompt,)),), x, 7)]
    (entry,) = conditioning.entries
    vector = model.family.vector(entry, 64, 64, False)
    settings = {"class_embed_type": "projection", "projection_class_embeddings_input_dim": 2 * WIDTH}
    sigma = model.noise.sigmas[500]
    network = tiny.unet(4, **tiny.LINEAR, **settings)
    fed = x / (sigma**2 + 1) ** 0.5
    velocity = network(fed, 500, tokens, class_labels=model.augmentation.vector(prompt.pictures, 7)).sample
    expected = x / (sigma**2 + 1) - velocity * sigma / (sigma**2 + 1) ** 0.5
    assert torch.allclose(model.denoised(x, sigma, tokens, vector), expected, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_in_half_precision_the_network_is_told_of_pictures_too(model, dtype):
    half = replace(model, network=model.network.computing_in(dtype))
    random = torch.Generator().manual_seed(0)
    x, tokens = torch.randn(1, 4, 8, 8, generator=random), torch.randn(1, 77, WIDTH, generator=random)
    vector = Vector(AUGMENTOR.vector([Followed(seen(picture(4)))], 7), torch.zeros(1, 0))
    answer = half.denoised(x, 3.0, tokens, vector)
    assert torch.allclose(answer, model.denoised(x, 3.0, tokens, vector), atol=0.1)


def test_a_run_follows_the_picture_that_its_prompt_names(library, model):
    checkpoint = library.checkpoint("unclip.safetensors")
    text = encode(checkpoint.text_encoder, "red")

    def run(*pictures: Followed) -> torch.Tensor:
        wanted = Conditioning((Prompt(text.entries[0].tokens, None, "sd2", pictures=pictures),))
        guider = Guider(model, (wanted,), (text,), cfg(3.0))
        job = Job(guider, Latent(torch.zeros(1, 4, 8, 8)), model.noise.sigmas[500:10:-200] + (0.0,))
        return sample(job, lambda *_: None).samples

    assert torch.equal(run(), run())
    assert not torch.allclose(run(), run(Followed(seen(picture(5)))), atol=1e-3)
