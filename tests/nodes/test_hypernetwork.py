import pytest
import torch
from safetensors.torch import save_file

from graph.define import spec_of
from nodes.hypernetwork import load_hypernetwork
from tests import tiny


@pytest.fixture
def library(tmp_path):
    folder = tiny.models(tmp_path)
    (folder / "hypernetworks").mkdir()
    matrix = torch.eye(tiny.WIDTH)
    tensors = {f"{tiny.WIDTH}.{index}.linear.0.weight": matrix.clone() for index in (0, 1)}
    tensors |= {f"{tiny.WIDTH}.{index}.linear.0.bias": torch.zeros(tiny.WIDTH) for index in (0, 1)}
    save_file(tensors, folder / "hypernetworks" / "style.safetensors")
    return tiny.library(folder)


def test_the_node_is_the_field_s():
    spec = spec_of(load_hypernetwork)
    assert (spec.type, spec.category, [each.name for each in spec.inputs], spec.outputs[0].type) == (
        "HypernetworkLoader",
        "loaders",
        ["model", "hypernetwork_name", "strength"],
        "MODEL",
    )


def test_the_model_is_changed_as_strongly_as_asked_and_at_zero_not_at_all(library):
    model = library.checkpoint(tiny.CHECKPOINT).model
    (hook,) = load_hypernetwork(model, "style.safetensors", 0.5, library=library).hooks
    assert hook.strength == 0.5
    assert load_hypernetwork(model, "style.safetensors", 0.0, library=library) is model
