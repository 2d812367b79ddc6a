"""What holds for a model of every family, from prompt to latent."""

from dataclasses import replace

import pytest
import torch

from diffusion.batching import Network
from diffusion.encode import encode
from diffusion.errors import FamilyMismatch
from diffusion.families import FAMILIES, title
from diffusion.library import Checkpoint
from diffusion.regions import placed
from diffusion.values import Conditioning, Framing
from nodes.latent import empty_latent_image
from nodes.sampling import ksampler
from nodes.vae import vae_decode
from tests import tiny

NAMES = (tiny.SD2, tiny.SDXL, tiny.REFINER)
X = torch.randn(2, 4, 8, 12, generator=torch.Generator().manual_seed(0))


@pytest.fixture(params=NAMES)
def checkpoint(family_library, request: pytest.FixtureRequest) -> Checkpoint:
    """The small checkpoint of each family."""
    return family_library.checkpoint(request.param)


@pytest.fixture
def refiner(family_library) -> Checkpoint:
    """The small checkpoint of the refiner."""
    return family_library.checkpoint(tiny.REFINER)


def picture(checkpoint: Checkpoint, **changes: object) -> torch.Tensor:
    """What a checkpoint paints in two steps."""
    wanted, unwanted = (encode(checkpoint.text_encoder, text) for text in ("a (red:1.2) fox", ""))
    settings = {"steps": 2, "cfg": 3.0, "seed": 4} | changes
    return ksampler(checkpoint.model, wanted, unwanted, empty_latent_image(64, 64), **settings).samples


def test_a_prompt_becomes_a_picture(checkpoint):
    latent = empty_latent_image(64, 96)
    prompt = encode(checkpoint.text_encoder, "a fox")
    done = ksampler(checkpoint.model, prompt, prompt, latent, steps=2, cfg=1.0)
    pixels = vae_decode(done, checkpoint.vae)
    assert pixels.shape == (1, 96, 64, 3) and pixels.isfinite().all()


def test_the_same_seed_gives_the_same_picture(checkpoint):
    assert torch.equal(picture(checkpoint), picture(checkpoint))


def test_guidance_changes_the_picture(checkpoint):
    assert not torch.equal(picture(checkpoint), picture(checkpoint, cfg=1.0))


def test_a_prompt_of_another_family_is_refused(family_library, checkpoint):
    names = {family_library.checkpoint(name).model.family.name: name for name in NAMES}
    for family in names.keys() - {checkpoint.model.family.name}:
        stranger = encode(family_library.checkpoint(names[family]).text_encoder, "a fox")
        with pytest.raises(FamilyMismatch, match=f"encoded for {title(family)}, but the model is"):
            ksampler(checkpoint.model, stranger, stranger, empty_latent_image(64, 64), steps=1)


def test_every_family_has_a_reading_for_each_of_its_text_encoders(checkpoint):
    family = checkpoint.model.family
    names = [tower.reading.name for tower in checkpoint.text_encoder.towers]
    assert names == [reading.name for reading in family.readings]


def test_no_file_is_of_two_families(family_library):
    headers = [family_library.checkpoint(name).model.network.file.header for name in NAMES]
    counts = [sum(family.refuses(header) is None for family in FAMILIES) for header in headers]
    assert counts == [1, 1, 1]


def answers(checkpoint: Checkpoint, wanted: Conditioning, unwanted: Conditioning) -> list[torch.Tensor]:
    """What the network answers to two lists of prompts."""
    model = checkpoint.model
    lists = placed((wanted,), (unwanted,), model.noise, X)
    return Network(model).predict(X, model.noise.sigmas[500], lists)


def alone(checkpoint: Checkpoint, wanted: Conditioning, framing: Framing) -> torch.Tensor:
    """What the network answers to a prompt that says all of its framing."""
    model, entry = checkpoint.model, replace(wanted.entries[0], framing=framing)
    vector = model.family.vector(entry, 64, 96, False)
    rows = type(vector)(*(part.expand(2, -1) for part in vector))
    return model.denoised(X, model.noise.sigmas[500], entry.tokens.expand(2, -1, -1), rows)


def test_the_refiner_takes_positive_and_negative_prompts_for_differently_beautiful(refiner):
    prompt = encode(refiner.text_encoder, "a fox")
    found = answers(refiner, prompt, prompt)
    expected = [alone(refiner, prompt, Framing(96, 64, score=score)) for score in (6.0, 2.5)]
    assert all(torch.allclose(one, other, atol=1e-4) for one, other in zip(found, expected, strict=True))


def test_a_prompt_for_an_area_is_told_the_size_of_the_whole_picture(family_library):
    sdxl = family_library.checkpoint(tiny.SDXL)
    prompt = encode(sdxl.text_encoder, "a fox")
    whole = prompt.each(lambda entry: replace(entry, area=(8, 12, 0, 0)))
    assert torch.allclose(answers(sdxl, whole, prompt)[0], alone(sdxl, prompt, Framing(96, 64)), atol=1e-4)


def test_a_prompt_may_say_another_size_than_that_of_the_run(family_library):
    sdxl = family_library.checkpoint(tiny.SDXL)
    prompt = encode(sdxl.text_encoder, "a fox")
    framed = prompt.each(lambda entry: replace(entry, framing=Framing(1024, 2048)))
    found, plain = answers(sdxl, framed, prompt)
    assert torch.allclose(found, alone(sdxl, prompt, Framing(1024, 2048)), atol=1e-4)
    assert not torch.allclose(found, plain, atol=1e-4)
