import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from diffusion import vae
from diffusion.clip_vision import see
from diffusion.encode import encode
from diffusion.errors import BrokenFile, FamilyMismatch, MissingPart
from diffusion.guidance import cfg
from diffusion.library import Checkpoint, ModelLibrary
from diffusion.resize import resized_image
from diffusion.sample import Guider, Job, sample
from diffusion.values import Conditioning, Latent, Prompt
from diffusion.zero123 import Orbit, Projection, projection, views
from tests import tiny

NAME = "zero123.safetensors"
PICTURE = torch.rand(1, 40, 48, 3, generator=torch.Generator().manual_seed(1))
DEGREES = st.floats(-180, 180)


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> ModelLibrary:
    """A small Zero123 beside a small Stable Diffusion 1."""
    folder = tmp_path_factory.mktemp("models")
    for kind in ("checkpoints", "clip_vision"):
        (folder / kind).mkdir()
    tiny.save_zero123(folder / "checkpoints" / NAME)
    tiny.save_checkpoint(folder / "checkpoints" / tiny.CHECKPOINT)
    tiny.save_image_encoder(folder / "clip_vision" / "narrow.safetensors")
    return tiny.library(folder)


@pytest.fixture(scope="module")
def zero123(library) -> Checkpoint:
    """The small Zero123."""
    return library.checkpoint(NAME)


@pytest.fixture(scope="module")
def asked(library, zero123) -> tuple[Conditioning, Conditioning]:
    """What it is told to show an object from two sides."""
    cameras = Orbit(10.0, 30.0, 5.0, 60.0).cameras(2)
    return views(library.checkpoint_vision(NAME), zero123.vae, PICTURE, (64, 64), cameras)


@settings(max_examples=15)
@given(DEGREES, DEGREES)
def test_a_camera_is_told_in_the_numbers_of_the_public_implementation(elevation, azimuth):
    polar = torch.deg2rad(torch.tensor((90.0 - elevation) - (90.0 - 0.0)))
    around, pole = torch.deg2rad(torch.tensor(azimuth)), torch.deg2rad(torch.tensor(90.0))
    expected = torch.stack((polar, around.sin(), around.cos(), pole))
    assert torch.allclose(Orbit(elevation, azimuth).cameras(1)[0], expected, atol=1e-6)


@settings(max_examples=15)
@given(DEGREES, DEGREES, st.floats(-20, 20), st.floats(-20, 20))
def test_each_camera_of_an_orbit_is_a_step_further_than_the_one_before(elevation, azimuth, higher, further):
    orbit = Orbit(elevation, azimuth, higher, further).cameras(3)
    alone = Orbit(elevation + 2 * higher, azimuth + 2 * further).cameras(1)
    assert orbit.shape == (3, 4) and torch.allclose(orbit[2], alone[0], atol=1e-6)


def test_a_view_is_what_is_seen_in_the_picture_and_where_the_camera_is(library, zero123, asked):
    (wanted,), (nothing,) = (each.entries for each in asked)
    seen = see(library.checkpoint_vision(NAME), PICTURE).image_embeds
    expected = torch.cat((seen.expand(2, -1), Orbit(10.0, 30.0, 5.0, 60.0).cameras(2)), 1)[:, None]
    assert torch.equal(wanted.tokens, expected)
    middle = resized_image(PICTURE[:, :, 4:44], 64, 64, "bilinear")
    assert torch.equal(wanted.concat_latent, vae.encode(zero123.vae, middle).samples)
    assert nothing.tokens.shape == (1, 1, 768)
    assert not nothing.tokens.any() and not nothing.concat_latent.any()


def test_of_several_pictures_each_is_shown_from_its_own_side(library, zero123):
    two = torch.cat((PICTURE, 1 - PICTURE))
    vision, camera = library.checkpoint_vision(NAME), Orbit(0.0, 90.0).cameras(1)
    (made,) = views(vision, zero123.vae, two, (64, 64), camera)[0].entries
    for row, picture in enumerate(two):
        (alone,) = views(vision, zero123.vae, picture[None], (64, 64), camera)[0].entries
        assert torch.allclose(made.tokens[row], alone.tokens[0], atol=1e-4)
        assert torch.allclose(made.concat_latent[row], alone.concat_latent[0], atol=1e-4)


def test_the_checkpoint_is_recognised_with_its_image_encoder_and_without_a_text_encoder(zero123, library):
    assert (zero123.model.family.title, zero123.model.in_channels) == ("Zero123", 8)
    assert library.checkpoint_vision(NAME).network.shape("visual_projection.weight") == (768, tiny.WIDTH)
    assert isinstance(zero123.text_encoder.lack, MissingPart)
    assert "reads pictures, and no text" in str(zero123.text_encoder.lack)


def test_sampling_shows_the_object_as_the_library_s_networks_do(zero123, library, asked):
    """The unwanted is zeros behind the projection, as published; the picture goes in unscaled."""
    model, (wanted,) = zero123.model, asked[0].entries
    sigmas = (*(model.noise.sigmas[step] for step in (900, 500, 100)), 0.0)
    guider = Guider(model, asked[:1], asked[1:], cfg(3.0))
    job = Job(guider, Latent(torch.zeros(2, 4, 8, 8)), sigmas)
    made = sample(job, lambda *_: None).samples

    stored = load_file(library.path("checkpoints", NAME))
    tokens = wanted.tokens @ stored["cc_projection.weight"].T + stored["cc_projection.bias"]
    both = torch.cat((tokens, torch.zeros_like(tokens)))
    picture = wanted.concat_latent.expand(2, -1, -1, -1)
    beside = torch.cat((picture, torch.zeros_like(picture)))
    network = tiny.unet(7, 8, cross_attention_dim=768)
    noise = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(job.noise.seed))
    x = noise * sigmas[0]
    for sigma, below in zip(sigmas, sigmas[1:], strict=False):
        fed = torch.cat((torch.cat((x, x)) / (sigma**2 + 1) ** 0.5, beside), 1)
        with_view, without = network(fed, model.noise.timestep(sigma), both).sample.chunk(2)
        x = x + (without + 3.0 * (with_view - without)) * (below - sigma)
    assert torch.allclose(made, x / 0.18215, atol=2e-3)


def test_another_side_is_another_picture(zero123, library):
    def shown(azimuth: float) -> torch.Tensor:
        cameras = Orbit(0.0, azimuth).cameras(1)
        wanted, nothing = views(library.checkpoint_vision(NAME), zero123.vae, PICTURE, (64, 64), cameras)
        guider = Guider(zero123.model, (wanted,), (nothing,), cfg(3.0))
        job = Job(guider, Latent(torch.zeros(1, 4, 8, 8)), zero123.model.noise.sigmas[900:10:-400] + (0.0,))
        return sample(job, lambda *_: None).samples

    assert torch.equal(shown(0.0), shown(0.0))
    assert not torch.allclose(shown(0.0), shown(90.0), atol=1e-3)


def test_another_image_encoder_is_refused_before_anything_is_encoded(library, zero123):
    with pytest.raises(FamilyMismatch, match="narrow.safetensors tells a picture in 8. Use"):
        views(library.clip_vision("narrow.safetensors"), None, PICTURE, (64, 64), Orbit(0, 0).cameras(1))


def test_a_text_is_refused_by_a_model_that_reads_views(library, zero123):
    text = encode(library.checkpoint(tiny.CHECKPOINT).text_encoder, "a fox")
    with pytest.raises(FamilyMismatch, match="but the model is Zero123. This model reads no text"):
        Guider(zero123.model, (text,))


def test_a_view_is_refused_by_a_model_that_reads_text(library, asked):
    model = library.checkpoint(tiny.CHECKPOINT).model
    with pytest.raises(FamilyMismatch, match="encoded for Zero123, but the model is Stable Diffusion 1"):
        Guider(model, asked[:1])


def test_tokens_of_unknown_origin_pass_if_they_are_views_or_projected_and_are_refused_else():
    made = Projection(torch.eye(4, 6), torch.ones(4))
    told = [made.told(Prompt(torch.ones(1, 2, width)), torch.zeros(1), 0).tokens for width in (4, 6)]
    assert torch.equal(told[0], torch.ones(1, 2, 4)) and torch.equal(told[1], torch.full((1, 2, 4), 2.0))
    with pytest.raises(FamilyMismatch, match="views of 6 numbers, but this prompt has 5"):
        made.told(Prompt(torch.ones(1, 2, 5)), torch.zeros(1), 0)


def test_a_projection_that_does_not_fit_together_is_refused(library, tmp_path):
    path = tmp_path / "broken.safetensors"
    save_file({"cc_projection.weight": torch.ones(4, 6), "cc_projection.bias": torch.ones(5)}, path)
    with pytest.raises(BrokenFile, match=r"weight is \[4, 6\], and cc_projection.bias is \[5\]"):
        projection(library.file(path))
