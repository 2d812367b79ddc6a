import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from diffusion.checkpoint import read_header
from diffusion.errors import BrokenFile, UnknownCheckpoint
from diffusion.recognition import recognised
from tests import tiny


@pytest.fixture
def folder(tmp_path):
    """An own models folder, to change."""
    return tiny.models(tmp_path)


def test_who_picks_a_lora_for_a_checkpoint_is_told_where_it_belongs(tiny_models):
    with pytest.raises(UnknownCheckpoint, match="is a LoRA, .* Put it into models/loras"):
        recognised(read_header(tiny_models / "loras" / tiny.LORA))


@pytest.mark.parametrize("prefix", ["model.model.", "net.", ""])
def test_a_network_is_found_behind_every_prefix_of_the_field(folder, prefix):
    tensors, usual = load_file(folder / "checkpoints" / tiny.CHECKPOINT), "model.diffusion_model."
    tensors = {name.replace(usual, prefix): tensors[name] for name in tensors if name.startswith(usual)}
    save_file(tensors, folder / "checkpoints" / "moved.safetensors", tiny.METADATA)
    library = tiny.library(folder)
    with (
        library.checkpoint("moved.safetensors").model.network.resident() as one,
        library.checkpoint(tiny.CHECKPOINT).model.network.resident() as other,
    ):
        assert all(map(torch.equal, one.parameters(), other.parameters()))


def test_who_picks_a_model_of_another_kind_is_told_which_can_be_run(tmp_path):
    save_file({"head.modulation": torch.zeros(1)}, tmp_path / "wan.safetensors")
    with pytest.raises(UnknownCheckpoint, match="is Wan, .* Choose a checkpoint of Stable Diffusion 1"):
        recognised(read_header(tmp_path / "wan.safetensors"))


def test_a_file_that_no_family_takes_is_told_each_reason_once(tmp_path):
    save_file({"blocks.0.strange": torch.zeros(1)}, tmp_path / "strange.safetensors")
    with pytest.raises(UnknownCheckpoint) as refused:
        recognised(read_header(tmp_path / "strange.safetensors"))
    assert refused.value.message.count("it has no U-Net") == 1
    assert "not Stable Diffusion 1 or Stable Diffusion 2 or" in refused.value.message


def test_a_file_may_bring_the_preview_colours_of_its_own_vae(folder):
    rows = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0.5, 0.25, 0]]
    metadata = {"preview.latent_rgb": json.dumps(rows)}
    tiny.save_checkpoint(folder / "checkpoints" / tiny.CHECKPOINT, metadata=metadata)
    family = tiny.library(folder).checkpoint(tiny.CHECKPOINT).model.family
    assert (family.preview[0], family.preview_bias) == ((1, 0, 0), (0.5, 0.25, 0))


@pytest.mark.parametrize("rows", ["[[1, 0, 0]]", "7", "[[1, 2]]", "{"])
def test_preview_colours_that_make_no_sense_are_refused(folder, rows):
    metadata = {"preview.latent_rgb": rows}
    tiny.save_checkpoint(folder / "checkpoints" / tiny.CHECKPOINT, metadata=metadata)
    with pytest.raises(BrokenFile, match="preview colours"):
        tiny.library(folder).checkpoint(tiny.CHECKPOINT)
