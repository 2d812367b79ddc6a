from pathlib import Path

import pytest

from diffusion.library import ModelLibrary
from graph.define import spec_of
from nodes.lora import load_lora, load_lora_model_only
from tests import tiny


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ModelLibrary:
    """A library on small models."""
    return tiny.library(tiny.models(Path(tmp_path_factory.mktemp("models"))))


def test_the_lora_loader_is_the_field_s():
    spec = spec_of(load_lora)
    assert (spec.type, spec.category, spec.title) == ("LoraLoader", "loaders", "Load LoRA")
    assert [each.name for each in spec.inputs] == [
        "model",
        "clip",
        "lora_name",
        "strength_model",
        "strength_clip",
    ]
    assert [each.name for each in spec.outputs] == ["MODEL", "CLIP"]


@pytest.mark.parametrize("place", [3, 4])
def test_a_strength_lies_between_minus_and_plus_100(place):
    strength = spec_of(load_lora).inputs[place]
    assert (strength.default, strength.widget.low, strength.widget.high, strength.widget.step) == (
        1.0,
        -100.0,
        100.0,
        0.01,
    )


def test_loading_a_lora_gives_patched_values(library):
    model, text, _vae = library.checkpoint(tiny.CHECKPOINT)
    patched = load_lora(model, text, tiny.LORA, library=library)
    assert [len(each.patches) for each in (patched.model, *patched.text_encoder.towers)] == [1, 1]


def test_each_strength_acts_on_its_own_network(library):
    model, text, _vae = library.checkpoint(tiny.CHECKPOINT)
    patched = load_lora(model, text, tiny.LORA, 0.5, 0.0, library=library)
    assert (patched.model.patches[0].strength, patched.text_encoder) == (0.5, text)


def test_a_lora_can_be_put_on_the_model_alone(library):
    patched = load_lora_model_only(library.checkpoint(tiny.CHECKPOINT).model, tiny.LORA, library=library)
    assert [patch.strength for patch in patched.patches] == [1.0]


def test_the_loader_for_the_model_alone_is_the_field_s():
    spec = spec_of(load_lora_model_only)
    assert (spec.type, spec.title, spec.outputs[0].name) == ("LoraLoaderModelOnly",) * 2 + ("MODEL",)
    assert [each.name for each in spec.inputs] == ["model", "lora_name", "strength_model"]
