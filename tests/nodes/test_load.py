from pathlib import Path

import pytest

from diffusion.errors import DiffusionError, MissingFile
from diffusion.library import ModelLibrary
from diffusion.prediction import VELOCITY
from graph.define import spec_of
from graph.node import NodeSpec
from nodes.load import (
    load_checkpoint,
    load_checkpoint_with_config,
    load_controlnet,
    load_diffusers,
    load_diffusion_model,
    load_text_encoder,
    load_text_encoders,
    load_vae,
)
from tests import tiny


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ModelLibrary:
    """A library on small models."""
    return tiny.library(tiny.models(Path(tmp_path_factory.mktemp("models"))))


def facts(spec: NodeSpec) -> tuple[object, ...]:
    """What other programs know of a node: its place, its inputs in order, its outputs."""
    inputs = [(each.name, each.widget.folder if each.widget else each.type) for each in spec.inputs]
    return spec.type, spec.category, spec.title, inputs, [(each.name, each.type) for each in spec.outputs]


def test_the_checkpoint_loader_is_the_field_s():
    assert facts(spec_of(load_checkpoint)) == (
        "CheckpointLoaderSimple",
        "loaders",
        "Load Checkpoint",
        [("ckpt_name", "checkpoints")],
        [("MODEL", "MODEL"), ("CLIP", "CLIP"), ("VAE", "VAE")],
    )


def test_the_controlnet_loader_is_the_field_s():
    assert facts(spec_of(load_controlnet)) == (
        "ControlNetLoader",
        "loaders",
        "Load ControlNet Model",
        [("control_net_name", "controlnet")],
        [("CONTROL_NET", "CONTROL_NET")],
    )


def test_a_folder_of_the_diffusers_library_is_picked_from_its_own_list(library):
    assert facts(spec_of(load_diffusers))[3] == [("model_path", "diffusers")]
    with pytest.raises(MissingFile, match="There is no model 'none'"):
        load_diffusers("none", library=library)


def test_a_checkpoint_gives_three_values(library):
    checkpoint = load_checkpoint(tiny.CHECKPOINT, library=library)
    assert [value.socket for value in checkpoint] == ["MODEL", "CLIP", "VAE"]


def test_a_controlnet_gives_one_value(library):
    assert load_controlnet(tiny.CONTROLNET, library=library).socket == "CONTROL_NET"


def test_a_missing_checkpoint_is_told_by_name(library):
    with pytest.raises(MissingFile, match="nothing.safetensors"):
        load_checkpoint("nothing.safetensors", library=library)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (
            load_diffusion_model,
            ("UNETLoader", "advanced/loaders", "Load Diffusion Model", "unet_name weight_dtype", ["MODEL"]),
        ),
        (
            load_text_encoder,
            ("CLIPLoader", "advanced/loaders", "Load CLIP", "clip_name type device", ["CLIP"]),
        ),
        (
            load_text_encoders,
            (
                "DualCLIPLoader",
                "advanced/loaders",
                "DualCLIPLoader",
                "clip_name1 clip_name2 type device",
                ["CLIP"],
            ),
        ),
        (load_vae, ("VAELoader", "loaders", "Load VAE", "vae_name", ["VAE"])),
        (
            load_checkpoint_with_config,
            (
                "CheckpointLoader",
                "advanced/loaders",
                "Load Checkpoint With Config (DEPRECATED)",
                "config_name ckpt_name",
                ["MODEL", "CLIP", "VAE"],
            ),
        ),
    ],
)
def test_the_other_loaders_are_the_field_s(function, expected):
    spec = spec_of(function)
    names = " ".join(each.name for each in spec.inputs)
    assert (spec.type, spec.category, spec.title, names, [each.name for each in spec.outputs]) == expected


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> ModelLibrary:
    """A library on networks of SDXL, each alone in a file."""
    return tiny.library(tiny.save_parts(Path(tmp_path_factory.mktemp("parts"))))


def test_networks_from_files_of_their_own_are_of_one_family(parts):
    model = load_diffusion_model("original.safetensors", "fp8_e5m2", library=parts)
    encoder = load_text_encoders("clip_l.safetensors", "clip_g.safetensors", library=parts)
    vae = load_vae("library.safetensors", library=parts)
    assert (model.family.name, encoder.family, vae.channels) == ("sdxl", "sdxl", 4)


def test_a_text_encoder_for_a_kind_of_model_that_is_not_supported_is_told_so(parts):
    with pytest.raises(DiffusionError, match="for flux2 are not supported"):
        load_text_encoder("clip_l.safetensors", "flux2", library=parts)


def test_a_configuration_says_what_the_network_predicts_and_where_the_text_encoder_stops(library):
    model, _clip, _vae = load_checkpoint_with_config("v2-inference-v.yaml", tiny.CHECKPOINT, library=library)
    _model, clip, _vae = load_checkpoint_with_config("anything_v3.yaml", tiny.CHECKPOINT, library=library)
    assert (model.prediction, clip.stop_at_layer) == (VELOCITY, -2)
