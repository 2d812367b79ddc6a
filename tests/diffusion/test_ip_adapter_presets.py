import pytest
import torch
from safetensors.torch import save_file

from diffusion.errors import FamilyMismatch, MissingFile
from diffusion.ip_adapter_presets import preset_adapter
from tests import tiny

PLUS = "PLUS (high strength)"


@pytest.fixture
def folder(tmp_path):
    """A models folder with the adapter of a preset, and no image encoder."""
    for kind in ("ipadapter", "clip_vision"):
        (tmp_path / kind).mkdir()
    save_file(tiny.ip_adapter("plus"), tmp_path / "ipadapter" / "ip-adapter-plus_sd15.safetensors")
    return tmp_path


def test_a_preset_that_a_family_has_not_is_refused():
    with pytest.raises(FamilyMismatch, match="no IP-Adapter 'LIGHT - SD1.5 only .* for SDXL"):
        preset_adapter(None, "LIGHT - SD1.5 only (low strength)", "sdxl")


def test_where_no_image_encoder_suits_the_person_is_told_which_to_get(folder):
    with pytest.raises(
        MissingFile, match="No image encoder in the clip_vision folder tells pictures in 8 numbers"
    ):
        preset_adapter(tiny.library(folder), PLUS, "sd15")


def test_what_else_lies_beside_the_image_encoder_is_passed_over(folder):
    encoders = folder / "clip_vision"
    save_file({"weight": torch.zeros(2)}, encoders / "another.safetensors")
    (encoders / "broken.safetensors").write_bytes(b"no weights")
    tiny.save_image_encoder(encoders / "right.safetensors")
    library = tiny.library(folder)
    assert preset_adapter(library, PLUS, "sd15").encoder is library.clip_vision("right.safetensors")


@pytest.mark.parametrize(
    ("layout", "left_out"),
    [("plus", "vision_model.post_layernorm.weight"), ("plain", "visual_projection.weight")],
)
def test_an_encoder_that_lacks_what_the_adapter_reads_is_passed_over(folder, layout, left_out):
    encoders = folder / "clip_vision"
    state = tiny.image_encoder().state_dict()
    save_file({key: each for key, each in state.items() if key != left_out}, encoders / "a.safetensors")
    tiny.save_image_encoder(encoders / "right.safetensors")
    save_file(tiny.ip_adapter(layout), folder / "ipadapter" / "ip-adapter-plus_sd15.safetensors")
    library = tiny.library(folder)
    assert preset_adapter(library, PLUS, "sd15").encoder is library.clip_vision("right.safetensors")
