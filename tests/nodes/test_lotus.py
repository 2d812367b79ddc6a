import pytest
import torch

from diffusion.errors import FamilyMismatch, MissingFile
from graph.define import spec_of
from nodes.custom_sampling import basic_guider, disable_noise, sampler_custom_advanced
from nodes.lotus import encoder_file, lotus_conditioning
from nodes.samplers import ksampler_select
from nodes.schedules import basic_scheduler
from nodes.sigmas import set_first_sigma
from nodes.text import encode_prompt
from nodes.vae import vae_encode
from tests import tiny

LOTUS = "lotus.safetensors"
PICTURE = torch.rand(1, 64, 48, 3, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small Lotus beside a small checkpoint and text encoders of their own."""
    folder = tmp_path_factory.mktemp("models")
    for kind in ("checkpoints", "diffusion_models", "text_encoders"):
        (folder / kind).mkdir()
    tiny.saved(folder / "diffusion_models" / LOTUS, tiny.lotus_unet().state_dict())
    tiny.save_checkpoint(folder / "checkpoints" / tiny.CHECKPOINT)
    for number, kind in enumerate(("clip_l", "clip_h")):
        encoder = tiny.open_clip(tiny.open_text_encoder(number), "")
        tiny.saved(
            folder / "text_encoders" / f"{number}.safetensors", encoder, metadata={"text.encoder": kind}
        )
    return folder


@pytest.fixture
def library(folder):
    """A library on them."""
    return tiny.library(folder)


def test_the_node_is_the_field_s():
    spec = spec_of(lotus_conditioning)
    assert (spec.type, spec.category, spec.inputs) == ("LotusConditioning", "conditioning/lotus", ())
    assert [(each.name, each.type) for each in spec.outputs] == [("conditioning", "CONDITIONING")]


def test_the_prompt_is_the_empty_one_without_padding(library):
    (made,) = lotus_conditioning(library=library).entries
    (padded,) = encode_prompt("", library.text_encoder(["1.safetensors"])).entries
    assert made.tokens.shape == (1, 2, tiny.WIDTH)
    assert torch.equal(made.tokens, padded.tokens[:, :2])


def test_the_depth_of_a_picture_is_the_network_s_answer_at_the_last_time(library):
    model = library.diffusion_model(LOTUS)
    seen = vae_encode(PICTURE, library.checkpoint(tiny.CHECKPOINT).vae)
    prompt = lotus_conditioning(library=library)
    sigmas = set_first_sigma(basic_scheduler(model, "normal", 1, 1.0), 999.0)
    guider = basic_guider(model, prompt)
    done = sampler_custom_advanced(disable_noise(), guider, ksampler_select("euler"), sigmas, seen)
    task = torch.tensor([1.0, 0.0])
    switch = torch.cat((task.sin(), task.cos()))[None]
    network = tiny.lotus_unet().half().float()
    answer = network(seen.samples * 0.18215, 999, prompt.entries[0].tokens, class_labels=switch).sample
    assert torch.allclose(done.latent.samples, answer / 0.18215, atol=1e-4)


def test_a_prompt_of_another_family_is_refused(library):
    _model, clip, _vae = library.checkpoint(tiny.CHECKPOINT)
    model = library.diffusion_model(LOTUS)
    with pytest.raises(
        FamilyMismatch, match="Stable Diffusion 1, .* is Lotus.* what LotusConditioning gives"
    ):
        basic_guider(model, encode_prompt("a red fox", clip))


def test_a_file_that_cannot_be_read_does_not_hide_the_next_one(library, folder):
    broken = [folder / "text_encoders" / name for name in ("0a.safetensors", "0b.pt", "0c.safetensors")]
    broken[0].write_bytes(b"<html>")
    broken[1].write_bytes(b"no pickle")
    broken[2].mkdir()
    try:
        assert library.open_clip_h() == "1.safetensors"
    finally:
        broken[0].unlink(), broken[1].unlink(), broken[2].rmdir()


def test_another_text_encoder_is_another_result(library, folder):
    before = encoder_file(library)
    path = folder / "text_encoders" / "1.safetensors"
    content = path.read_bytes()
    path.write_bytes(content)
    assert encoder_file(library) != before
    assert spec_of(lotus_conditioning).cache


def test_without_the_text_encoder_of_stable_diffusion_2_a_sentence_says_what_to_put_where(library, folder):
    (folder / "text_encoders" / "1.safetensors").rename(folder / "hidden.safetensors")
    try:
        with pytest.raises(MissingFile, match="is OpenCLIP-H.* Put it into models/text_encoders"):
            lotus_conditioning(library=library)
    finally:
        (folder / "hidden.safetensors").rename(folder / "text_encoders" / "1.safetensors")
