from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from diffusion.clip_vision import see
from diffusion.merge import evenly, mixed, mixed_text
from diffusion.prediction import VELOCITY
from diffusion.values import Latent
from nodes.saving import (
    checkpoint_save,
    clip_save,
    image_only_checkpoint_save,
    load_latent,
    lora_save,
    model_save,
    save_latent,
    vae_save,
)
from nodes.zero123 import load_image_only_checkpoint
from tests import tiny


class Folder:
    """An output folder that writes at once, and reads again."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name):
        return self.root / name

    def save(self, encode, *, prefix, suffix, shown, temporary=False):
        path = self.root / f"{prefix}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        encode(path, {"workflow": "{}"})


@pytest.fixture
def library(tmp_path):
    return tiny.library(tiny.models(tmp_path))


def test_what_was_saved_can_be_loaded(library, tmp_path):
    model, text, vae = library.checkpoint(tiny.CHECKPOINT)
    checkpoint_save(model, text, vae, outputs=Folder(tmp_path))
    model_save(model, outputs=Folder(tmp_path))
    vae_save(vae, outputs=Folder(tmp_path))
    assert library.checkpoint("Photogram.safetensors").model.family is model.family
    assert library.diffusion_model("Photogram.safetensors").in_channels == 4
    assert library.vae("Photogram_vae.safetensors").channels == 4


def test_a_saved_model_is_used_as_its_checkpoint_says(library, tmp_path):
    tiny.save_zero123(tmp_path / "checkpoints" / "views.safetensors")
    tiny.save_sdxl(tmp_path / "checkpoints" / "velocity.safetensors", v_pred=torch.zeros(()))
    for name in ("views", "velocity"):
        model = library.checkpoint(f"{name}.safetensors").model
        model_save(model, f"diffusion_models/{name}", outputs=Folder(tmp_path))
        again = library.diffusion_model(f"{name}.safetensors")
        assert (again.family, again.prediction) == (model.family, model.prediction)
    assert again.prediction is VELOCITY


def test_a_saved_checkpoint_that_reads_pictures_can_be_loaded_with_the_same_weights(library, tmp_path):
    tiny.save_zero123(tmp_path / "checkpoints" / "views.safetensors")
    model, vision, vae = load_image_only_checkpoint("views.safetensors", library=library)
    image_only_checkpoint_save(model, vision, vae, outputs=Folder(tmp_path))
    again = load_image_only_checkpoint("Photogram.safetensors", library=library)
    assert again.model.family is model.family
    old, new = (
        load_file(tmp_path / "checkpoints" / f"{name}.safetensors") for name in ("views", "Photogram")
    )
    assert old.keys() - new.keys() == {"cond_stage_model.model.ln_final.weight"}  # of a text encoder
    assert new.keys() <= old.keys() and all(torch.equal(old[key], new[key]) for key in new)


@pytest.mark.parametrize("layout", ["library", "open"])
def test_an_image_encoder_from_a_file_of_its_own_finds_its_place_in_a_checkpoint(library, tmp_path, layout):
    (tmp_path / "clip_vision").mkdir()
    tiny.save_image_encoder(tmp_path / "clip_vision" / "own.safetensors", layout)
    tiny.save_zero123(tmp_path / "checkpoints" / "views.safetensors")
    model, _, vae = library.checkpoint("views.safetensors")
    vision = library.clip_vision("own.safetensors")
    image_only_checkpoint_save(model, vision, vae, outputs=Folder(tmp_path))
    again = load_image_only_checkpoint("Photogram.safetensors", library=library).image_encoder
    picture = torch.rand(1, 40, 48, 3, generator=torch.Generator().manual_seed(1))
    assert torch.equal(see(again, picture).image_embeds, see(vision, picture).image_embeds)


def test_a_saved_text_encoder_can_be_loaded(library, tmp_path):
    encoder = library.checkpoint(tiny.CHECKPOINT).text_encoder
    clip_save(encoder, "text_encoders/mine", outputs=Folder(tmp_path))
    assert library.text_encoder(["mine_clip_l.safetensors"]).family == "sd15"


def test_a_saved_latent_can_be_loaded(tmp_path):
    samples, folder = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1)), Folder(tmp_path)
    save_latent(Latent(samples), outputs=folder)
    assert torch.equal(load_latent("latents/Photogram.latent", inputs=folder).samples, samples)


@pytest.mark.parametrize(("kind", "tensors"), [("standard", 2), ("full_diff", 1)])
def test_an_extracted_lora_changes_both_networks(library, tmp_path, kind, tensors):
    model, text, _ = library.checkpoint(tiny.CHECKPOINT)
    differences = mixed(model, model, evenly(1.0, -0.5)), mixed_text(text, text, evenly(1.0, -0.5))
    lora_save("loras/mine", 4, kind, True, *differences, outputs=Folder(tmp_path))
    groups = library.lora("mine.safetensors").groups
    assert {name[:8] for name in groups} == {"lora_une", "lora_te_"}
    keys = groups["lora_unet_conv_in"].keys.values()
    assert sum(".weight" in key for key in keys) == (2 if tensors == 2 else 0)
