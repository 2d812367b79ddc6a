import json
from dataclasses import replace

import pytest
import torch

from diffusion.diffusers_folder import SCHEDULER, open_folder, told
from diffusion.encode import encode
from diffusion.errors import BrokenFile, MissingFile
from diffusion.noise_range import linear_betas
from diffusion.prediction import EPSILON, VELOCITY
from tests import tiny


def text(seed=1):
    return {f"text_model.{key}": value for key, value in tiny.text_encoder(seed).state_dict().items()}


def save(folder, part, tensors, stem="diffusion_pytorch_model", **metadata):
    (folder / part).mkdir(parents=True)
    tiny.saved(folder / part / f"{stem}.safetensors", tensors, metadata=metadata)


@pytest.fixture
def root(tmp_path):
    """A models folder with the small checkpoint, and the same model as a folder."""
    tiny.models(tmp_path)
    folder = tmp_path / "diffusers" / "mine" / "small"
    save(folder, "unet", tiny.unet().state_dict())
    save(folder, "vae", tiny.vae().state_dict())
    save(folder, "text_encoder", text(), "model")
    (folder / "model_index.json").write_text("{}")
    return tmp_path


def scheduler(root, content):
    path = root / "diffusers" / "mine" / "small" / "scheduler"
    path.mkdir()
    (path / "scheduler_config.json").write_text(content)


def test_a_folder_holds_the_same_model_as_a_checkpoint(root):
    library = tiny.library(root)
    found, wanted = open_folder(library, "mine/small"), library.checkpoint(tiny.CHECKPOINT)
    assert (found.model.family, found.model.prediction) == (wanted.model.family, EPSILON)
    assert (found.vae.family, found.vae.channels) == (wanted.vae.family, 4)
    tokens = encode(wanted.text_encoder, "a fox").entries[0].tokens
    assert torch.equal(encode(found.text_encoder, "a fox").entries[0].tokens, tokens)
    x = torch.ones(1, 4, 8, 8)
    assert torch.allclose(found.model.denoised(x, 2.0, tokens), wanted.model.denoised(x, 2.0, tokens))


def test_two_text_encoders_are_one_of_sdxl(tmp_path):
    folder = tmp_path / "diffusers" / "large"
    save(folder, "unet", tiny.unet(3, **tiny.SDXL_UNET).state_dict())
    save(folder, "vae", tiny.vae(3).state_dict())
    save(folder, "text_encoder", text(3), "model")
    save(
        folder,
        "text_encoder_2",
        tiny.open_text_encoder(3).state_dict(),
        "model",
        **{"text.encoder": "clip_g"},
    )
    (folder / "model_index.json").write_text("{}")
    found = open_folder(tiny.library(tmp_path), "large")
    assert found.model.family.name == found.text_encoder.family == "sdxl"
    assert len(found.text_encoder.towers) == 2


def test_a_refiner_has_the_second_text_encoder_alone(tmp_path):
    folder = tmp_path / "diffusers" / "refiner"
    save(folder, "unet", tiny.unet(4, **tiny.REFINER_UNET).state_dict())
    save(folder, "vae", tiny.vae(4).state_dict())
    text = tiny.open_text_encoder(4).state_dict()
    save(folder, "text_encoder_2", text, "model", **{"text.encoder": "clip_g"})
    (folder / "model_index.json").write_text("{}")
    found = open_folder(tiny.library(tmp_path), "refiner")
    assert found.model.family.name == found.text_encoder.family == "sdxl_refiner"


def test_the_scheduler_says_what_the_network_predicts(root):
    scheduler(root, json.dumps({"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}))
    model = open_folder(tiny.library(root), "mine/small").model
    assert model.prediction is VELOCITY and model.noise.sigma_max > 4000


def test_levels_are_stretched_from_those_that_the_family_was_trained_with(root):
    scheduler(root, json.dumps({"rescale_betas_zero_snr": True}))
    model = open_folder(tiny.library(root), "mine/small").model
    other = replace(model, family=replace(model.family, betas=(0.0001, 0.02)))
    made = told(other, root / "diffusers" / "mine" / "small" / SCHEDULER)
    assert made.noise.sigmas == linear_betas(0.0001, 0.02, zero_terminal=True).sigmas


@pytest.mark.parametrize("content", ["[]", '{"prediction_type": []}'])
def test_settings_that_say_nothing_of_it_change_nothing(root, content):
    scheduler(root, content)
    assert open_folder(tiny.library(root), "mine/small").model.prediction is EPSILON


def test_settings_that_are_no_json_are_told(root):
    scheduler(root, "{")
    with pytest.raises(BrokenFile, match="scheduler_config.json of small is not JSON"):
        open_folder(tiny.library(root), "mine/small")


@pytest.mark.parametrize("name", ["mine", "none", "../diffusers/mine/small", ""])
def test_what_is_no_model_is_not_found(root, name):
    with pytest.raises(MissingFile, match="There is no model"):
        open_folder(tiny.library(root), name)


def test_a_missing_network_is_named_and_pieces_are_told(root):
    folder = root / "diffusers" / "mine" / "small" / "unet"
    whole = folder / "diffusion_pytorch_model.safetensors"
    piece = whole.rename(folder / "diffusion_pytorch_model-00001-of-00002.safetensors")
    with pytest.raises(MissingFile, match="no weights in the folder unet. It is in pieces"):
        open_folder(tiny.library(root), "mine/small")
    piece.rename(folder / "diffusion_pytorch_model.fp16.safetensors")
    assert open_folder(tiny.library(root), "mine/small").model.in_channels == 4
