from pathlib import Path

import pytest

from diffusion.errors import MissingFile
from diffusion.library import ModelLibrary
from graph.define import spec_of
from graph.node import NodeSpec
from nodes.load import load_checkpoint, load_controlnet
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


def test_a_checkpoint_gives_three_values(library):
    checkpoint = load_checkpoint(tiny.CHECKPOINT, library=library)
    assert [value.socket for value in checkpoint] == ["MODEL", "CLIP", "VAE"]


def test_a_controlnet_gives_one_value(library):
    assert load_controlnet(tiny.CONTROLNET, library=library).socket == "CONTROL_NET"


def test_a_missing_checkpoint_is_told_by_name(library):
    with pytest.raises(MissingFile, match="nothing.safetensors"):
        load_checkpoint("nothing.safetensors", library=library)
