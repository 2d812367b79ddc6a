import pytest
import torch
from safetensors.torch import load_file, save_file

from diffusion.blocks import control_names, inverted
from diffusion.controlnet import Query, network_on, one_control
from diffusion.errors import FamilyMismatch
from diffusion.lora import with_lora
from tests import tiny

RANDOM = torch.Generator().manual_seed(16)
QUERY = Query(
    torch.randn(2, 4, 8, 8, generator=RANDOM), 500.0, torch.randn(2, 77, tiny.WIDTH, generator=RANDOM)
)
HINT = torch.rand(1, 64, 64, 3, generator=RANDOM)
UNET = "model.diffusion_model."


def split(difference: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A difference as the product of two matrices, shaped as files have them."""
    rows = difference.flatten(1)
    down = torch.eye(rows.shape[1]).reshape(rows.shape[1], *difference.shape[1:])
    return rows.reshape(*rows.shape, *(1 for _ in difference.shape[2:])), down


def control_lora(models, spelling="up") -> dict[str, torch.Tensor]:
    """The small ControlNet as exact changes to the small model; its vectors are whole."""
    whole = load_file(models / "controlnet" / tiny.CONTROLNET)
    base = load_file(models / "checkpoints" / tiny.CHECKPOINT)
    made = {"lora_controlnet": torch.zeros(0)}
    for key, value in whole.items():
        name = key.removeprefix("control_model.")
        if UNET + name in base and value.ndim > 1:
            module = name.removesuffix(".weight")
            end = spelling.removeprefix("up")
            up, down = split(value - base[UNET + name].float())
            made |= {f"{module}.up{end}": up, f"{module}.down{end}": down}
        else:
            made[name] = value
    return made


@pytest.fixture
def folder(tmp_path):
    """A models folder of its own."""
    return tiny.models(tmp_path)


@pytest.fixture
def library(folder):
    return tiny.library(folder)


@pytest.fixture
def base(library):
    return library.checkpoint(tiny.CHECKPOINT).model.base


@pytest.fixture
def loaded(folder, library):
    """Write changes as a control and open it."""

    def load(tensors):
        save_file(
            {key: value.contiguous() for key, value in tensors.items()},
            folder / "controlnet/lora.safetensors",
        )
        return library.controlnet("lora.safetensors")

    return load


def residuals(net, base):
    made = one_control(net.control(HINT), QUERY, [0, 1], base)
    return (*made.skips, *made.middle)


@pytest.mark.parametrize("spelling", ["up", "up.weight"])
def test_changes_that_are_the_exact_difference_make_the_whole_controlnet(
    folder, library, loaded, base, spelling
):
    expected = residuals(library.controlnet(tiny.CONTROLNET), base)
    made = residuals(loaded(control_lora(folder, spelling)), base)
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(made, expected, strict=True))


def test_what_the_file_says_nothing_of_is_the_model_s_own(folder, loaded, base):
    changes = control_lora(folder)
    silent = {
        key: value for key, value in changes.items() if not key.startswith(("input_blocks", "middle_block."))
    }
    net = loaded(silent)
    with network_on(net, base).resident() as control, base.network.resident() as unet:
        weights = unet.state_dict()
        same = [
            name for name, weight in control.state_dict().items() if name in weights and "time" not in name
        ]
        assert len(same) > 50
        assert all(torch.equal(control.state_dict()[name], weights[name]) for name in same if "down" in name)


def test_the_network_is_made_once_for_each_model(folder, library, loaded, base):
    net = loaded(control_lora(folder))
    other = library.checkpoint(tiny.INPAINTING).model.base
    assert network_on(net, base) is network_on(net, base)
    with pytest.raises(FamilyMismatch, match="input_blocks.0.0.up has no place"):
        network_on(net, other)


def test_nothing_is_kept_of_a_model_whose_file_changed(folder, library, loaded, base):
    net = loaded(control_lora(folder))
    old = network_on(net, base)
    with old.resident():
        assert old in library.memory.held
    tiny.save_checkpoint(folder / "checkpoints" / tiny.CHECKPOINT, seed=8)
    changed = library.checkpoint(tiny.CHECKPOINT).model.base
    assert network_on(net, changed) is not old
    assert list(net.network.made) == [changed.network]
    assert old not in library.memory.held


def test_a_lora_on_the_model_changes_what_begins_as_the_model_s(folder, library, loaded):
    checkpoint = library.checkpoint(tiny.CHECKPOINT)
    model = with_lora(checkpoint.model, None, library.lora(tiny.LORA)).model
    net = loaded(control_lora(folder))
    plain, changed = (residuals(net, each.base) for each in (checkpoint.model, model))
    assert not torch.allclose(plain[-1], changed[-1], atol=1e-3)
    assert all(torch.equal(*pair) for pair in zip(plain, residuals(net, checkpoint.model.base), strict=True))


def test_changes_to_another_family_are_refused_in_a_sentence(folder, loaded, tmp_path_factory):
    net = loaded(control_lora(folder))
    others = tiny.library(tiny.families(tmp_path_factory.mktemp("families")))
    with pytest.raises(FamilyMismatch, match="lora.safetensors changes another kind of model than tiny_sdxl"):
        network_on(net, others.checkpoint(tiny.SDXL).model.base)


def test_changes_to_sdxl_read_the_sizes_that_the_model_is_told(loaded, tmp_path_factory):
    folder = tiny.families(tmp_path_factory.mktemp("families"))
    model = tiny.library(folder).checkpoint(tiny.SDXL).model
    stored = load_file(folder / "checkpoints" / tiny.SDXL)
    up, down = split(stored[f"{UNET}label_emb.0.0.weight"].float())
    net = loaded(
        tiny_hint() | {"lora_controlnet": torch.zeros(0), "label_emb.0.0.up": up, "label_emb.0.0.down": down}
    )
    with network_on(net, model.base).resident() as module, model.network.resident() as unet:
        one, other = (each.get_parameter("add_embedding.linear_1.weight") for each in (module, unet))
        assert torch.allclose(one, 2 * other, atol=1e-6)


def tiny_hint() -> dict[str, torch.Tensor]:
    """What a ControlNet has that no model has, under original names."""
    names = inverted(control_names(tiny.unet_shape()))
    renamed = tiny.renamed(tiny.controlnet(), names, "")
    return {
        key: value
        for key, value in renamed.items()
        if key.startswith(("input_hint", "zero", "middle_block_out"))
    }
