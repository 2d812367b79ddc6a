from dataclasses import replace

import pytest
import torch
from diffusers import ControlNetUnionModel, T2IAdapter
from safetensors.torch import load_file, save_file

from diffusion.controlnet import KINDS, Query, Said, completed, fitted_hint, one_control
from diffusion.errors import DiffusionError
from diffusion.networks import Vector
from diffusion.resize import resized
from tests import tiny

RANDOM = torch.Generator().manual_seed(6)
TOKENS = torch.randn(1, 77, tiny.WIDTH, generator=RANDOM)
X = torch.randn(2, 4, 8, 8, generator=RANDOM) * 3
HINT = torch.rand(1, 64, 64, 3, generator=RANDOM)


@pytest.fixture
def net(library):
    return library.controlnet(tiny.CONTROLNET)


@pytest.fixture
def base(checkpoint):
    """The small model, as controls know it."""
    return checkpoint.model.base


@pytest.fixture
def denoise(checkpoint):
    """The small model's answer with some controls, one row of the batch."""

    def denoised(*controls, sigma=3.0, x=X[:1], **options):
        return checkpoint.model.denoised(
            x, sigma, TOKENS.expand(len(x), -1, -1), controls=[controls], **options
        )

    return denoised


def reference(strength: float, sigma: float, timestep: int) -> torch.Tensor:
    """The steered answer by the library's own networks."""
    fed = X[:1] / (sigma**2 + 1) ** 0.5
    down, middle = tiny.controlnet()(fed, timestep, TOKENS, HINT.movedim(-1, 1), strength, return_dict=False)
    options = {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
    return X[:1] - sigma * tiny.unet()(fed, timestep, TOKENS, **options).sample


@pytest.mark.parametrize("strength", [1.0, 0.4])
def test_a_control_steers_as_the_library_s_networks_do(net, denoise, checkpoint, strength):
    sigma = checkpoint.model.noise.sigmas[600]
    steered = denoise(net.control(HINT, strength), sigma=sigma)
    assert torch.allclose(steered, reference(strength, sigma, 600), atol=1e-4)


def test_a_control_can_be_told_another_text_than_the_prompt(net, base):
    other = torch.randn(2, 77, tiny.WIDTH, generator=RANDOM)
    query = Query(X, 500.0, TOKENS.expand(2, -1, -1))
    told = one_control(replace(net.control(HINT), said=Said(other)), query, [0, 1], base)
    expected = one_control(net.control(HINT), query._replace(tokens=other), [0, 1], base)
    assert torch.equal(told.middle[0], expected.middle[0])


def test_another_text_has_a_row_for_each_picture_of_each_prompt():
    one, other = torch.zeros(3, 4), torch.ones(3, 4)
    vector = Vector(torch.zeros(4, 2), torch.zeros(4, 6))
    query = Query(torch.zeros(4, 4, 8, 8), 500.0, torch.zeros(4, 77, 4), 2, vector)
    said = query.saying(Said(torch.stack((one, other)), torch.ones(2, 2)))
    assert said.tokens[:, 0, 0].tolist() == [0, 1, 0, 1]
    assert torch.equal(said.vector.pooled, torch.ones(4, 2))
    assert query.saying(None) is query


def test_strength_zero_changes_nothing(net, denoise):
    assert torch.equal(denoise(net.control(HINT, 0.0)), denoise())


def test_a_control_acts_only_in_its_part_of_the_sampling(net, denoise, checkpoint):
    middle = checkpoint.model.noise.percent_to_sigma(0.5)
    late = net.control(HINT, start=0.6)
    assert torch.equal(denoise(late, sigma=middle), denoise(sigma=middle))


def test_both_ends_of_its_part_belong_to_a_control(net, checkpoint):
    model, control = checkpoint.model, net.control(HINT, start=0.25, end=0.75)
    levels = [model.noise.percent_to_sigma(percent) for percent in (0.2, 0.25, 0.5, 0.75, 0.8)]
    assert [model.is_active(control, sigma) for sigma in levels] == [False, True, True, True, False]


def test_chained_controls_add_up(net, denoise):
    half, whole = net.control(HINT, 0.5), net.control(HINT, 1.0)
    assert torch.allclose(denoise(half, net.control(HINT, 0.5)), denoise(whole), atol=1e-4)


def test_a_control_steers_only_the_rows_it_belongs_to(net, denoise, checkpoint):
    control = net.control(HINT)
    both = checkpoint.model.denoised(X, 3.0, TOKENS.expand(2, -1, -1), controls=[(control,), ()])
    assert torch.allclose(both[:1], denoise(control), atol=1e-4)
    assert torch.allclose(both[1:], denoise(x=X[1:]), atol=1e-4)


def test_each_picture_of_a_batch_has_its_own_hint(net, denoise, checkpoint):
    hints = torch.cat((HINT, 1 - HINT))
    control = net.control(hints)
    tokens = TOKENS.expand(4, -1, -1)
    rows = checkpoint.model.denoised(
        torch.cat((X, X)), 3.0, tokens, controls=[(control,)], unwanted=[False, True]
    )
    assert torch.allclose(rows[3:], denoise(net.control(1 - HINT), x=X[1:]), atol=1e-4)


def test_a_hint_of_another_size_is_fitted(net, denoise):
    assert denoise(net.control(torch.rand(1, 40, 100, 3))).shape == (1, 4, 8, 8)


def test_a_wide_hint_is_cut_around_its_middle():
    hint = torch.arange(8.0).view(1, 1, 8, 1).expand(1, 4, 8, 3)
    assert fitted_hint(hint, 4, 4)[0, 0, 0].tolist() == [2, 3, 4, 5]


def test_a_tall_hint_is_cut_around_its_middle():
    hint = torch.arange(8.0).view(1, 8, 1, 1).expand(1, 8, 4, 3)
    assert fitted_hint(hint, 4, 4)[0, 0, :, 0].tolist() == [2, 3, 4, 5]


@pytest.mark.parametrize(("width", "height"), [(256, 575), (256, 619), (751, 256), (3000, 1)])
def test_a_hint_is_cut_as_every_picture_that_is_resized(width, height):
    hint = torch.rand(1, height, width, 3, generator=RANDOM)
    wanted = resized(hint.movedim(-1, 1), 512, 768, "nearest-exact", "center")
    assert torch.equal(fitted_hint(hint, 768, 512), wanted)


def test_a_hint_is_enlarged_to_nearest_pixels():
    hint = torch.tensor([0.0, 1.0]).view(1, 1, 2, 1).expand(1, 2, 2, 3)
    assert fitted_hint(hint, 4, 4)[0, 0, 0].tolist() == [0, 0, 1, 1]


def test_a_control_that_averages_adds_the_same_everywhere(net, base):
    query = Query(X[:1], 500.0, TOKENS)
    (middle,) = one_control(replace(net, averages=True).control(HINT), query, [0], base).middle
    assert torch.allclose(middle, middle.mean((2, 3), keepdim=True).expand_as(middle))


def adapter(kind: str, channels: int = 3) -> T2IAdapter:
    """A small adapter for the small model."""
    blocks = 4 if kind == "light_adapter" else 2
    made = T2IAdapter(channels, list(tiny.CHANNELS), blocks, 8, kind)
    return tiny.randomised(8, lambda: made)


def original(module: T2IAdapter) -> dict[str, torch.Tensor]:
    """An adapter's weights under the names of its authors."""
    names = {}
    for key, value in module.state_dict().items():
        name = key.removeprefix("adapter.")
        parts = name.split(".")
        if "conv_in.weight" not in {each.removeprefix("adapter.") for each in module.state_dict()}:
            name = name.replace("resnets", "body")
        elif parts[0] == "body" and parts[2] == "resnets":
            name = ".".join(("body", str(2 * int(parts[1]) + int(parts[3])), *parts[4:]))
        elif parts[0] == "body":
            name = ".".join(("body", str(2 * int(parts[1])), *parts[2:]))
        names[name] = value
    return names


@pytest.fixture
def loaded(tmp_path):
    """Write weights as a control and open it."""
    library = tiny.library(tiny.models(tmp_path))

    def load(tensors, metadata=None):
        path = tmp_path / "controlnet" / "made.safetensors"
        save_file({key: value.contiguous() for key, value in tensors.items()}, path, metadata)
        return library.controlnet("made.safetensors")

    return load


@pytest.mark.parametrize("kind", ["full_adapter", "light_adapter"])
@pytest.mark.parametrize("spelled", [original, lambda module: module.state_dict()])
def test_an_adapter_steers_as_the_library_s_networks_do(loaded, denoise, checkpoint, kind, spelled):
    module, sigma = adapter(kind), checkpoint.model.noise.sigmas[600]
    features = [each * 0.5 for each in module(HINT.movedim(-1, 1))]
    fed = X[:1] / (sigma**2 + 1) ** 0.5
    noise = tiny.unet()(fed, 600, TOKENS, down_intrablock_additional_residuals=features).sample
    steered = denoise(loaded(spelled(module)).control(HINT, 0.5), sigma=sigma)
    assert torch.allclose(steered, X[:1] - sigma * noise, atol=1e-4)


def test_an_adapter_and_a_controlnet_add_up(loaded, denoise, net):
    one, other = loaded(adapter("full_adapter").state_dict()).control(HINT), net.control(HINT)
    both = denoise(one, other)
    assert not torch.allclose(both, denoise(one), atol=1e-3)
    assert not torch.allclose(both, denoise(other), atol=1e-3)


def test_an_adapter_for_lines_reads_one_channel(loaded, denoise):
    grey = HINT[..., :1].expand(-1, -1, -1, 3)
    net = loaded(adapter("full_adapter", 1).state_dict())
    assert net.adapts == 1
    assert torch.allclose(denoise(net.control(grey)), denoise(net.control(HINT[..., :1])), atol=1e-5)


def test_an_adapter_that_sees_sixteen_pixels_at_once_steers_a_picture_of_any_size(loaded, base):
    net = loaded(T2IAdapter(3, [8, 8, 8, 8], 2, 16, "full_adapter_xl").state_dict())
    odd = Query(torch.randn(1, 4, 9, 15, generator=RANDOM), 500.0, TOKENS)
    (first, *_) = one_control(net.control(HINT), odd, [0], base).inner
    assert first.shape[-2:] == (5, 8)


def union() -> ControlNetUnionModel:
    """A small ControlNet for several kinds of hints, for a model that reads sizes."""
    return tiny.randomised(
        9,
        lambda: ControlNetUnionModel(
            block_out_channels=tiny.CHANNELS,
            layers_per_block=1,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            transformer_layers_per_block=(1, 2),
            cross_attention_dim=2 * tiny.WIDTH,
            attention_head_dim=(2, 4),
            use_linear_projection=True,
            norm_num_groups=tiny.GROUPS,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=tiny.WIDTH + 6 * 256,
            conditioning_embedding_out_channels=(4, 4, 8, 8),
            num_trans_channel=tiny.CHANNELS[0],
            num_proj_channel=tiny.CHANNELS[0],
        ),
    )


SIZES = Vector(torch.randn(1, tiny.WIDTH, generator=RANDOM), torch.full((1, 6), 64.0))
QUERY = Query(X[:1], 500.0, torch.randn(1, 77, 2 * tiny.WIDTH, generator=RANDOM), 1, SIZES)


def test_a_union_is_told_the_kind_of_its_hint(loaded, base):
    module = union()
    net = loaded(module.state_dict(), tiny.METADATA)
    told = torch.zeros(1, 6)
    told[:, KINDS["normal"]] = 1
    options = SIZES.arguments(torch.float32) | {
        "control_type": told,
        "control_type_idx": [4],
        "return_dict": False,
    }
    down, middle = module(X[:1], 500.0, QUERY.tokens, [HINT.movedim(-1, 1)], **options)
    made = one_control(net.of_kind("normal").control(HINT), QUERY, [0], base)
    assert net.family == "sdxl" and net.kinds == 6
    assert torch.allclose(made.middle[0], middle, atol=1e-5)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(made.skips, down, strict=True))


def test_a_union_that_is_told_nothing_makes_nothing_of_kinds(loaded, base):
    net = loaded(union().state_dict(), tiny.METADATA)
    nets = (net, net.of_kind("openpose"))
    made = [one_control(each.control(HINT), QUERY, [0], base) for each in nets]
    assert not torch.allclose(made[0].middle[0], made[1].middle[0], atol=1e-4)


def test_a_kind_that_a_control_does_not_know_is_refused(loaded, net):
    with pytest.raises(DiffusionError, match="does not know hints of the kind 'depth'"):
        net.of_kind("depth")
    with pytest.raises(DiffusionError, match="'repaint'"):
        loaded(union().state_dict(), tiny.METADATA).of_kind("repaint")


def test_a_file_that_holds_only_the_difference_is_completed_by_a_model(loaded, tiny_models, base, net):
    whole = load_file(tiny_models / "controlnet" / tiny.CONTROLNET)
    model = load_file(tiny_models / "checkpoints" / tiny.CHECKPOINT)
    shared = {key: "model.diffusion_model." + key.removeprefix("control_model.") for key in whole}
    parts = {
        key: value - model[shared[key]].float() if shared[key] in model else value
        for key, value in whole.items()
    }
    halved = loaded(parts | {"difference": torch.zeros(0)}, tiny.METADATA)
    query = Query(X[:1], 500.0, TOKENS)
    made = one_control(completed(halved, base.network).control(HINT), query, [0], base)
    expected = one_control(net.control(HINT), query, [0], base)
    assert torch.allclose(made.middle[0], expected.middle[0], atol=1e-4)
    with pytest.raises(DiffusionError, match="holds only the difference"):
        one_control(halved.control(HINT), query, [0], base)


def test_a_complete_control_is_not_completed(net, checkpoint):
    assert completed(net, checkpoint.model.network) is net


def test_where_idle_networks_leave_memory_those_of_two_controls_are_loaded_once(tiny_models, caplog):
    tiny.save_controlnet(tiny_models / "controlnet" / "other.safetensors", seed=9)
    library = tiny.library(tiny_models, "offload")
    model = library.checkpoint(tiny.CHECKPOINT).model
    controls = [library.controlnet(name).control(HINT) for name in (tiny.CONTROLNET, "other.safetensors")]
    with caplog.at_level("INFO", "diffusion.memory"):
        for _step in range(3):
            model.denoised(X[:1], 3.0, TOKENS, controls=[controls])
    assert [record.message.split()[0] for record in caplog.records] == ["loaded"] * 3
