from dataclasses import replace

import pytest
import torch
from diffusers.models.attention_processor import IPAdapterAttnProcessor2_0
from safetensors.torch import save_file

from diffusion.clip_vision import see
from diffusion.errors import DiffusionError, FamilyMismatch, UnknownCheckpoint
from diffusion.guidance import cfg
from diffusion.image_projection import projection
from diffusion.ip_adapter import (
    Attending,
    PicturePrompt,
    Rows,
    Tokens,
    cross_attentions,
    grid,
    places,
    tokens,
)
from diffusion.library import ModelLibrary
from diffusion.model import Model
from diffusion.sample import Guider, Job, sample
from diffusion.values import Conditioning, Latent, Prompt
from tests import tiny
from tests.diffusion.families.full import header_of as headed

RANDOM = torch.Generator().manual_seed(36)
X = torch.randn(2, 4, 12, 8, generator=RANDOM) * 3
TEXT = torch.randn(2, 77, tiny.WIDTH, generator=RANDOM)
PICTURES = torch.rand(2, 28, 28, 3, generator=RANDOM)
SHOWN = Tokens(*torch.randn(2, 1, 4, tiny.WIDTH, generator=RANDOM))
LAYOUTS = ("plain", "plus", "full-face")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tiny.families(tiny.models(tmp_path_factory.mktemp("models")))
    for kind in ("ipadapter", "clip_vision"):
        (folder / kind).mkdir()
    for layout in LAYOUTS:
        save_file(tiny.ip_adapter(layout), folder / "ipadapter" / f"{layout}.safetensors")
    save_file(tiny.ip_adapter("plain", "sdxl"), folder / "ipadapter" / "sdxl.safetensors")
    tiny.save_image_encoder(folder / "clip_vision" / "small.safetensors")
    return folder


@pytest.fixture
def library(folder):
    return tiny.library(folder)


@pytest.fixture
def model(library):
    return library.checkpoint(tiny.CHECKPOINT).model


@pytest.fixture
def encoder(library):
    return library.clip_vision("small.safetensors")


def shown(library, model: Model, *, taken: str = "linear", name: str = "plain", **changes) -> Model:
    """A model that attends to the tokens SHOWN."""
    adapter = library.ip_adapter(f"{name}.safetensors")
    there = places(adapter, model.network, model.family, taken)
    return model.with_picture(PicturePrompt(adapter.network, SHOWN, there, **changes))


def by_the_library(sigma: float, timestep: int, strength: float, shown: torch.Tensor) -> torch.Tensor:
    """The answer of the library's network with the library's own attention to pictures."""
    unet, weights = tiny.unet(), tiny.ip_adapter()
    made = dict(unet.attn_processors)
    for index, name in enumerate(made):
        if ".attn2." in name:
            inner = weights[f"ip_adapter.{index}.to_k_ip.weight"].shape[0]
            made[name] = IPAdapterAttnProcessor2_0(inner, tiny.WIDTH, (4,), strength)
            for part in ("to_k_ip", "to_v_ip"):
                getattr(made[name], part)[0].weight.data = weights[f"ip_adapter.{index}.{part}.weight"]
    unet.set_attn_processor(made)
    fed = X / (sigma**2 + 1) ** 0.5
    return X - sigma * unet(fed, timestep, (TEXT, [shown[:, None].expand(2, -1, -1, -1)])).sample


@pytest.mark.parametrize("strength", [1.0, -0.5])
def test_a_model_attends_to_tokens_as_the_library_s_does(library, model, strength):
    sigma = model.noise.sigmas[600]
    answer = shown(library, model, strength=strength).denoised(X, sigma, TEXT)
    assert torch.allclose(answer, by_the_library(sigma, 600, strength, SHOWN.wanted), atol=1e-4)


def test_one_attention_adds_what_it_finds_in_the_tokens_before_its_last_matrix(library, model):
    changed = shown(library, model, strength=0.7).pictures[0]
    weights, name = tiny.ip_adapter(), changed.places[1].name
    states = torch.randn(2, 96, 8, generator=RANDOM)
    attention = tiny.unet().get_submodule(name)
    module = torch.nn.Module()

    def heads(part: torch.Tensor) -> torch.Tensor:
        return part.unflatten(-1, (tiny.HEADS, -1)).transpose(1, 2)

    query = heads(attention.to_q(states))
    pairs = [(attention.to_k(TEXT), attention.to_v(TEXT))]
    pairs += [
        [
            SHOWN.wanted.expand(2, -1, -1) @ weights[f"ip_adapter.3.{part}.weight"].T
            for part in ("to_k_ip", "to_v_ip")
        ]
    ]
    found = [
        torch.softmax(query @ heads(key).transpose(-1, -2) / heads(key).shape[-1] ** 0.5, -1) @ heads(value)
        for key, value in pairs
    ]
    expected = attention.to_out[0]((found[0] + 0.7 * found[1]).transpose(1, 2).flatten(2))
    outer, _, last = name.rpartition(".")
    nest(module, outer).add_module(last, attention)
    only = replace(changed, places=changed.places[1:2])
    with Attending(only, Rows((False,), 12, 8)).installed(module, 1.0):
        answer = attention(states, encoder_hidden_states=TEXT)
    assert torch.allclose(answer, expected, atol=1e-5)
    assert not torch.allclose(attention(states, encoder_hidden_states=TEXT), expected, atol=1e-3)


def nest(module: torch.nn.Module, path: str) -> torch.nn.Module:
    """Empty modules one inside another; the innermost."""
    for name in path.split("."):
        module.add_module(name, torch.nn.Module())
        module = module.get_submodule(name)
    return module


def test_what_is_wanted_and_what_is_not_have_tokens_of_their_own(library, model):
    changed = shown(library, model)
    both = changed.denoised(X, 3.0, TEXT, unwanted=(False, True))
    swapped = replace(changed.pictures[0], tokens=Tokens(SHOWN.unwanted, SHOWN.wanted))
    other = replace(changed, pictures=(swapped,))
    assert torch.allclose(both[:1], changed.denoised(X[:1], 3.0, TEXT[:1]), atol=1e-4)
    assert torch.allclose(both[1:], other.denoised(X[1:], 3.0, TEXT[1:]), atol=1e-4)
    assert not torch.allclose(both[1:], changed.denoised(X[1:], 3.0, TEXT[1:]), atol=1e-3)


def test_a_run_tells_the_prompts_apart(library, model):
    changed, asked = shown(library, model), []

    class Watched(Model):
        def denoised(self, *args, **rest):
            asked.append(tuple(rest["unwanted"]))
            return super().denoised(*args, **rest)

    watched = Watched(
        **{name: getattr(changed, name) for name in Model.__dataclass_fields__ if name != "socket"}
    )
    text = Conditioning((Prompt(TEXT[:1], None, "sd15"),))
    guider = Guider(watched, (text,), (text,), cfg(5.0))
    sample(Job(guider, Latent(torch.zeros(1, 4, 8, 8)), (3.0, 0.0)), lambda *_: None)
    assert asked == [(False, True)]


@pytest.mark.parametrize("changes", [{"strength": 0.0}, {"start": 0.7}, {"end": 0.3}])
def test_where_a_picture_does_not_act_nothing_changes_bit_for_bit(library, model, changes):
    sigma = model.noise.percent_to_sigma(0.5)
    assert torch.equal(
        shown(library, model, **changes).denoised(X, sigma, TEXT), model.denoised(X, sigma, TEXT)
    )


def test_a_network_is_left_as_it_was(library, model):
    before = model.denoised(X, 3.0, TEXT)
    assert not torch.allclose(shown(library, model).denoised(X, 3.0, TEXT), before, atol=1e-3)
    assert torch.equal(model.denoised(X, 3.0, TEXT), before)


def test_two_pictures_add_up(library, model):
    half = shown(library, shown(library, model, strength=0.5), strength=0.5)
    whole = shown(library, model, strength=1.0)
    assert torch.allclose(half.denoised(X, 3.0, TEXT), whole.denoised(X, 3.0, TEXT), atol=1e-4)


def test_a_mask_of_ones_changes_nothing_and_one_of_zeros_hides_the_picture(library, model):
    plain, whole = model.denoised(X, 3.0, TEXT), shown(library, model).denoised(X, 3.0, TEXT)
    for value, expected in ((1.0, whole), (0.0, plain)):
        masked = shown(library, model, mask=torch.full((1, 30, 20), value))
        assert torch.allclose(masked.denoised(X, 3.0, TEXT), expected, atol=1e-4)


def test_each_picture_of_a_batch_has_its_own_mask(library, model):
    masks = torch.stack((torch.ones(30, 20), torch.zeros(30, 20)))
    answer = shown(library, model, mask=masks).denoised(X, 3.0, TEXT)
    assert torch.allclose(answer[:1], shown(library, model).denoised(X[:1], 3.0, TEXT[:1]), atol=1e-4)
    assert torch.allclose(answer[1:], model.denoised(X[1:], 3.0, TEXT[1:]), atol=1e-4)


def test_a_level_of_the_network_is_the_latent_halved_and_rounded_up():
    assert [grid(13, 8, cells) for cells in (13 * 8, 7 * 4, 4 * 2, 2)] == [(13, 8), (7, 4), (4, 2), (2, 1)]
    with pytest.raises(DiffusionError, match="Leave out the mask"):
        grid(13, 8, 60)


def test_a_strength_can_also_say_how_much_the_tokens_are_looked_for(library, model):
    both, values = (shown(library, model, strength=0.3, scales_keys=keys) for keys in (True, False))
    assert not torch.allclose(both.denoised(X, 3.0, TEXT), values.denoised(X, 3.0, TEXT), atol=1e-4)


def test_attentions_are_counted_as_in_the_files(library, family_library):
    for name, module in ((tiny.CHECKPOINT, tiny.unet()), (tiny.SDXL, tiny.unet(3, **tiny.SDXL_UNET))):
        source = library if name == tiny.CHECKPOINT else family_library
        counted = [key.removesuffix(".processor") for key in module.attn_processors if ".attn2." in key]
        assert cross_attentions(source.checkpoint(name).model.network) == counted


def test_the_style_of_a_picture_is_what_some_blocks_of_sdxl_see(library):
    model, adapter = library.checkpoint(tiny.SDXL).model, library.ip_adapter("sdxl.safetensors")
    every, style = (
        places(adapter, model.network, model.family, taken) for taken in ("linear", "style transfer")
    )
    assert len(every) == 8
    assert {place.name.partition(".transformer_blocks")[0] for place in style} == {"up_blocks.0.attentions.1"}
    assert set(style) < set(every)


def test_stable_diffusion_1_sees_a_picture_s_style_and_composition_in_blocks_of_its_own(library, model):
    style, composition, both = (
        {name.partition(".attentions")[0] for name in names(library, model, taken)}
        for taken in ("style transfer", "composition", "style and composition")
    )
    assert (style, composition, both) == ({"up_blocks.1"}, {"mid_block"}, {"up_blocks.1", "mid_block"})


def names(library, model, taken):
    """Where a picture is seen of which that is taken."""
    adapter = library.ip_adapter("plain.safetensors")
    return [place.name for place in places(adapter, model.network, model.family, taken)]


def test_where_a_style_is_seen_is_not_known_of_other_families(library, model):
    other = replace(model, family=replace(model.family, name="sd2", title="Stable Diffusion 2"))
    with pytest.raises(FamilyMismatch, match="of Stable Diffusion 2 give 'style transfer' is unknown"):
        names(library, other, "style transfer")


def test_an_adapter_for_another_family_is_refused_in_a_sentence(library, model):
    with pytest.raises(
        FamilyMismatch, match=r"sdxl.safetensors has parts for 8 .* width 16, but tiny.safetensors"
    ):
        shown(library, model, name="sdxl")


def states(library, encoder, name: str, image: torch.Tensor) -> torch.Tensor:
    """The tokens of pictures one by one, by the adapter's own network."""
    seen = see(encoder, image)
    with library.ip_adapter(f"{name}.safetensors").network.resident() as module:
        return module.image_proj(seen.image_embeds if name == "plain" else seen.penultimate_hidden_states)


@pytest.mark.parametrize(("name", "count"), [("plain", 4), ("plus", 16), ("full-face", 17)])
def test_pictures_are_tokens_one_after_another(library, encoder, name, count):
    made = tokens(library.ip_adapter(f"{name}.safetensors"), encoder, PICTURES)
    assert [each.shape for each in made] == [(1, 2 * count, tiny.WIDTH)] * 2
    assert torch.allclose(
        made.wanted, states(library, encoder, name, PICTURES).flatten(0, 1)[None], atol=1e-5
    )


def test_nothing_is_unwanted_but_a_vector_of_zeros_or_a_black_picture(library, encoder):
    with library.ip_adapter("plain.safetensors").network.resident() as module:
        nothing = module.image_proj(torch.zeros(1, tiny.WIDTH))
    plain = tokens(library.ip_adapter("plain.safetensors"), encoder, PICTURES[:1])
    assert torch.allclose(plain.unwanted, nothing, atol=1e-6)
    plus = tokens(library.ip_adapter("plus.safetensors"), encoder, PICTURES[:1])
    black = states(library, encoder, "plus", torch.zeros(1, 28, 28, 3))
    assert torch.allclose(plus.unwanted, black, atol=1e-5)


def test_a_picture_can_be_unwanted(library, encoder):
    made = tokens(library.ip_adapter("plus.safetensors"), encoder, PICTURES[:1], PICTURES[1:])
    assert torch.allclose(made.unwanted, states(library, encoder, "plus", PICTURES[1:]), atol=1e-5)


@pytest.mark.parametrize("together", ["add", "subtract", "average", "norm average"])
def test_one_picture_alone_is_the_same_however_pictures_are_joined(library, encoder, together):
    adapter = library.ip_adapter("plain.safetensors")
    one = [tokens(adapter, encoder, PICTURES[:1], None, each).wanted for each in ("concat", together)]
    assert torch.equal(*one)
    assert tokens(adapter, encoder, PICTURES, None, together).wanted.shape == (1, 4, tiny.WIDTH)


def test_learnt_vectors_look_at_the_patches_layer_by_layer():
    tensors = tiny.ip_adapter("plus")
    weights = {key.partition(".")[2]: value for key, value in tensors.items() if key.startswith("image_proj")}
    seen = torch.randn(1, 5, tiny.WIDTH, generator=RANDOM)

    def norm(name: str, value: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.layer_norm(
            value, value.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"]
        )

    patches = seen @ weights["proj_in.weight"].T + weights["proj_in.bias"]
    latents = weights["latents"]
    for layer in ("layers.0", "layers.1"):
        own = norm(f"{layer}.0.norm2", latents)
        read = torch.cat((norm(f"{layer}.0.norm1", patches), own), 1)
        query = (own @ weights[f"{layer}.0.to_q.weight"].T)[0].unflatten(-1, (2, 64)).transpose(0, 1)
        both = (read @ weights[f"{layer}.0.to_kv.weight"].T)[0].unflatten(-1, (2, 2, 64)).permute(1, 2, 0, 3)
        found = torch.softmax(query @ both[0].transpose(-1, -2) / 8, -1) @ both[1]
        latents = latents + found.transpose(0, 1).flatten(1)[None] @ weights[f"{layer}.0.to_out.weight"].T
        inner = norm(f"{layer}.1.0", latents) @ weights[f"{layer}.1.1.weight"].T
        latents = latents + torch.nn.functional.gelu(inner) @ weights[f"{layer}.1.3.weight"].T
    expected = norm("norm_out", latents @ weights["proj_out.weight"].T + weights["proj_out.bias"])
    network = projection(headed(tensors))
    network.load_state_dict(weights)
    assert torch.allclose(network(seen), expected, atol=1e-4)


def test_a_pickled_adapter_is_the_same(folder, tmp_path):
    flat = tiny.ip_adapter()
    nested = {
        part: {key.removeprefix(f"{part}."): value for key, value in flat.items() if key.startswith(part)}
        for part in ("image_proj", "ip_adapter")
    }
    (tmp_path / "ipadapter").mkdir()
    torch.save(nested, tmp_path / "ipadapter" / "old.bin")
    library = ModelLibrary(
        lambda kind: [tmp_path / kind], tiny.library(folder).memory, tmp_path / "converted"
    )
    with library.ip_adapter("old.bin").network.resident() as module:
        assert all(torch.equal(value, flat[key]) for key, value in module.state_dict().items())


def test_an_adapter_that_knows_faces_is_refused_in_a_sentence(folder):
    tensors = {
        "image_proj.proj.0.weight": torch.zeros(4, 512),
        "image_proj.norm.weight": torch.zeros(4),
        "ip_adapter.1.to_k_ip.weight": torch.zeros(8, 8),
    }
    save_file(tensors, folder / "ipadapter" / "faceid.safetensors")
    with pytest.raises(UnknownCheckpoint, match="faceid.safetensors is not an IP-Adapter .* FaceID"):
        tiny.library(folder).ip_adapter("faceid.safetensors")


def test_an_image_encoder_that_an_adapter_was_not_made_with_is_refused(library, encoder, tmp_path):
    (tmp_path / "ipadapter").mkdir()
    tensors = tiny.ip_adapter() | {"image_proj.proj.weight": torch.zeros(4 * tiny.WIDTH, 5)}
    save_file(tensors, tmp_path / "ipadapter" / "other.safetensors")
    adapter = tiny.library(tmp_path).ip_adapter("other.safetensors")
    with pytest.raises(
        FamilyMismatch, match="reads pictures in 5 numbers, .* small.safetensors tells them in 8"
    ):
        tokens(adapter, encoder, PICTURES)
