import json
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from diffusion.encode import encode
from diffusion.errors import DiffusionError
from diffusion.lora import with_lora
from diffusion.merge import evenly, mixed, mixed_text
from diffusion.noise_range import continuous_edm, linear_betas
from diffusion.prediction import VELOCITY, X0
from diffusion.saving import VAE, alone, are_same, beside, network_of, texts_of, vae_of, write_weights
from tests import tiny


@pytest.fixture
def folder(tmp_path):
    """An own models folder, to write to."""
    return tiny.models(tmp_path)


@pytest.fixture
def library(folder):
    return tiny.library(folder)


def weight(model, name: str = "conv_in.weight") -> torch.Tensor:
    with model.network.resident(model.patches) as module:
        return module.get_parameter(name).clone()


def test_a_checkpoint_that_was_loaded_is_written_as_it_was(folder, library):
    model, text, vae = library.checkpoint(tiny.CHECKPOINT)
    write_weights([network_of(model), *texts_of(text), *vae_of(vae, VAE)], folder / "a.safetensors", {})
    old, new = load_file(folder / "checkpoints" / tiny.CHECKPOINT), load_file(folder / "a.safetensors")
    assert old.keys() == new.keys()
    assert all(torch.equal(old[key], new[key]) for key in old)


def test_patches_are_written_too(folder, library):
    model, text, vae = library.checkpoint(tiny.CHECKPOINT)
    changed = with_lora(model, text, library.lora(tiny.LORA))
    parts = [network_of(changed.model), *texts_of(changed.text_encoder), *vae_of(vae, VAE)]
    write_weights(parts, folder / "checkpoints" / "new.safetensors", {})
    again = library.checkpoint("new.safetensors").model
    name = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight"
    assert torch.allclose(weight(again, name), weight(changed.model, name), atol=1e-2)
    assert not torch.allclose(weight(again, name), weight(model, name), atol=1e-2)


ZERO, ENDS = linear_betas(zero_terminal=True), continuous_edm(0.003, 90.0)


@pytest.mark.parametrize(
    ("name", "prediction", "noise"),
    [
        *((name, VELOCITY, linear_betas()) for name in (tiny.CHECKPOINT, tiny.SD2, tiny.SDXL)),
        *((name, VELOCITY, ZERO) for name in (tiny.CHECKPOINT, tiny.SD2, tiny.SDXL, tiny.REFINER)),
        (tiny.SDXL, VELOCITY, ENDS),
    ],
)
def test_what_a_model_was_said_to_predict_is_read_again_and_so_is_that_it_predicts_noise(
    folder, name, prediction, noise
):
    tiny.families(folder)
    library = tiny.library(folder)
    plain = library.checkpoint(name).model
    again = plain
    for turn, wanted in enumerate(((prediction, noise), (plain.prediction, plain.noise))):
        model = replace(again, prediction=wanted[0], noise=wanted[1])
        write_weights([network_of(model), beside(model)], folder / "checkpoints" / f"{turn}.safetensors", {})
        again = library.checkpoint(f"{turn}.safetensors").model
        assert again.prediction is wanted[0] and are_same(again.noise, wanted[1])


def test_what_a_checkpoint_cannot_say_is_told_in_the_log(folder, library, caplog):
    model = replace(library.checkpoint(tiny.CHECKPOINT).model, prediction=X0)
    write_weights([network_of(model), beside(model)], folder / "checkpoints" / "new.safetensors", {})
    assert "no way to say that its model predicts x0" in caplog.text


@pytest.mark.parametrize("name", [tiny.SD2, tiny.SDXL])
def test_weights_that_are_pieces_of_a_tensor_are_put_together_again(folder, name):
    tiny.families(folder)
    library = tiny.library(folder)
    model, text, vae = library.checkpoint(name)
    same = mixed(model, model, evenly(0.5, 0.5))
    parts = [network_of(same), *texts_of(mixed_text(text, text, evenly(0.5, 0.5))), *vae_of(vae, VAE)]
    write_weights(parts, folder / "a.safetensors", {})
    old, new = load_file(folder / "checkpoints" / name), load_file(folder / "a.safetensors")
    assert all(torch.allclose(old[key].float(), new[key].float(), atol=1e-3) for key in new)
    assert old.keys() - new.keys() <= {key for key in old if "position_ids" in key or "logit_scale" in key}


def test_a_vae_in_a_file_of_its_own_can_be_loaded(folder, library):
    vae = library.checkpoint(tiny.CHECKPOINT).vae
    (folder / "vae").mkdir(exist_ok=True)
    write_weights(vae_of(vae), folder / "vae" / "own.safetensors", {})
    with library.vae("own.safetensors").network.resident() as one, vae.network.resident() as other:
        assert torch.equal(
            one.get_parameter("decoder.conv_in.weight"), other.get_parameter("decoder.conv_in.weight")
        )


@pytest.mark.parametrize("name", [tiny.CHECKPOINT, tiny.SD2, tiny.SDXL, tiny.REFINER])
def test_text_encoders_in_files_of_their_own_can_be_loaded(folder, name):
    tiny.families(folder)
    (folder / "text_encoders").mkdir(exist_ok=True)
    library = tiny.library(folder)
    encoder = library.checkpoint(name).text_encoder
    for tower, part in alone(encoder).items():
        write_weights([part], folder / "text_encoders" / f"{tower}.safetensors", {"text.encoder": tower})
    again = library.text_encoder([f"{tower.reading.name}.safetensors" for tower in encoder.towers])
    one, other = (encode(each, "a fox").entries[0].tokens for each in (encoder, again))
    assert again.family == encoder.family and torch.equal(one, other)


@pytest.mark.parametrize("file", ["clip_l.safetensors", "clip_g.safetensors", "open_clip_g.safetensors"])
def test_a_text_encoder_that_was_alone_is_written_as_it_was(tmp_path, file):
    tiny.save_parts(tmp_path)
    library = tiny.library(tmp_path)
    names = [file] if file == "clip_l.safetensors" else ["clip_l.safetensors", file]
    saved = alone(library.text_encoder(names))[file.removeprefix("open_").removesuffix(".safetensors")]
    write_weights([saved], tmp_path / "a.safetensors", {})
    old, new = load_file(tmp_path / "text_encoders" / file), load_file(tmp_path / "a.safetensors")
    assert old.keys() - {"logit_scale"} == new.keys() and all(torch.equal(old[key], new[key]) for key in new)


def test_settings_and_texts_are_kept_in_the_metadata(folder, library):
    write_weights(
        [network_of(library.checkpoint(tiny.CHECKPOINT).model)], folder / "a.safetensors", {"workflow": "{}"}
    )
    with safe_open(folder / "a.safetensors", "pt") as file:
        metadata = file.metadata()
    assert metadata["unet.num_heads"] == str(tiny.HEADS) and json.loads(metadata["workflow"]) == {}


def test_a_text_encoder_from_a_file_of_its_own_has_no_place_in_a_checkpoint(library):
    encoder = library.checkpoint(tiny.CHECKPOINT).text_encoder
    object.__setattr__(encoder.towers[0].network.part, "prefix", "text_model.")
    with pytest.raises(DiffusionError, match="does not come from a checkpoint"):
        texts_of(encoder)
