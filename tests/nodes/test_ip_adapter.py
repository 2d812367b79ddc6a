import pytest
import torch
from safetensors.torch import save_file

from diffusion.errors import DiffusionError, MissingFile
from diffusion.values import Image, Mask
from graph.define import spec_of
from nodes.ip_adapter import (
    apply_ip_adapter,
    apply_ip_adapter_simply,
    load_ip_adapter,
    load_preset_ip_adapter,
)
from tests import tiny

IMAGE = Image(torch.rand(1, 28, 28, 3))


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tiny.models(tmp_path_factory.mktemp("models"))
    (folder / "ipadapter").mkdir()
    (folder / "clip_vision").mkdir()
    save_file(tiny.ip_adapter(), folder / "ipadapter" / "plain.safetensors")
    tiny.save_image_encoder(folder / "clip_vision" / "small.safetensors")
    return tiny.library(folder)


@pytest.fixture
def model(library):
    return library.checkpoint(tiny.CHECKPOINT).model


@pytest.fixture
def adapter(library):
    return load_ip_adapter("plain.safetensors", library=library)


@pytest.fixture
def encoder(library):
    return library.clip_vision("small.safetensors")


def test_the_nodes_have_the_names_that_shared_workflows_carry():
    nodes = (load_ip_adapter, apply_ip_adapter, load_preset_ip_adapter, apply_ip_adapter_simply)
    specs = [spec_of(each) for each in nodes]
    assert [(spec.type, [each.type for each in spec.outputs]) for spec in specs] == [
        ("IPAdapterModelLoader", ["IPADAPTER"]),
        ("IPAdapterAdvanced", ["MODEL"]),
        ("IPAdapterUnifiedLoader", ["MODEL", "IPADAPTER"]),
        ("IPAdapter", ["MODEL"]),
    ]
    assert [each.name for each in specs[1].inputs if each.optional] == [
        "image_negative",
        "attn_mask",
        "clip_vision",
    ]


def test_the_model_attends_to_one_more_picture_and_the_old_one_stays(model, adapter, encoder):
    mask = Mask(torch.ones(1, 8, 8))
    once = apply_ip_adapter(model, adapter, IMAGE, 0.8, start_at=0.1, end_at=0.6, clip_vision=encoder)
    twice = apply_ip_adapter(once, adapter, IMAGE, embeds_scaling="K+V", attn_mask=mask, clip_vision=encoder)
    first, second = twice.pictures
    assert (first.strength, first.start, first.end, first.scales_keys) == (0.8, 0.1, 0.6, False)
    assert second.scales_keys and second.mask is mask
    assert model.pictures == ()


def test_weight_zero_gives_the_same_model(model, adapter, encoder):
    assert apply_ip_adapter(model, adapter, IMAGE, 0.0, clip_vision=encoder) is model


def test_without_an_image_encoder_the_person_is_told_to_connect_one(model, adapter):
    with pytest.raises(DiffusionError, match="Connect one to clip_vision"):
        apply_ip_adapter(model, adapter, IMAGE)


def test_a_preset_s_adapter_brings_the_encoder_that_it_reads(tmp_path):
    folder = tiny.models(tmp_path)
    for kind in ("ipadapter", "clip_vision"):
        (folder / kind).mkdir()
    save_file(tiny.ip_adapter("plus"), folder / "ipadapter" / "ip-adapter-plus_sd15.safetensors")
    tiny.save_image_encoder(folder / "clip_vision" / "small.safetensors")
    library = tiny.library(folder)
    model = library.checkpoint(tiny.CHECKPOINT).model
    same, adapter = load_preset_ip_adapter(model, "PLUS (high strength)", library=library)
    assert same is model and adapter.encoder is library.clip_vision("small.safetensors")
    (picture,) = apply_ip_adapter_simply(model, adapter, IMAGE, 0.5, 0.1, 0.9).pictures
    assert (picture.strength, picture.start, picture.end, len(picture.places)) == (0.5, 0.1, 0.9, 4)
    with pytest.raises(MissingFile, match="is the file ip-adapter_sd15.safetensors, which is not in"):
        load_preset_ip_adapter(model, library=library)
