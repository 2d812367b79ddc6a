from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file

from diffusion.batching import Network
from diffusion.blocks import UnetShape, inverted, translated, unet_names
from diffusion.checkpoint import Header
from diffusion.errors import FamilyMismatch, UnknownCheckpoint
from diffusion.families.sd15 import SD15
from diffusion.gligen import MOST_BOXES, Gligen, Grounding, TextBox, open_gligen, places
from diffusion.grounding import grounded
from diffusion.guidance import cfg
from diffusion.library import ModelLibrary
from diffusion.memory import Handle, Hollow, Memory
from diffusion.regions import placed
from diffusion.sample import Guider
from diffusion.values import Conditioning, Prompt
from tests import tiny
from tests.diffusion.families.full import faults, header_of, original_unet

RANDOM = torch.Generator().manual_seed(31)
X, TOKENS = torch.randn(2, 4, 8, 12, generator=RANDOM), torch.randn(3, 77, 8, generator=RANDOM)
BOXES = tuple(
    TextBox(3 + each, 2, each, 2 * each, torch.randn(1, tiny.WIDTH, generator=RANDOM)) for each in range(3)
)
SD1 = UnetShape((320, 640, 1280, 1280), (2, 2, 2, 2), (1, 1, 1, 0), 1, 768, False, 4)
CONFIG = {"cross_attention_dim": 768, "attention_head_dim": 8}


@pytest.fixture(scope="module")
def reference() -> torch.nn.Module:
    """The library's network with gates."""
    return tiny.grounded_unet()


@pytest.fixture
def model(checkpoint):
    return checkpoint.model


@pytest.fixture
def gligen(library) -> Gligen:
    return library.gligen(tiny.GLIGEN)


def prompt(row: int, gligen: Gligen | None = None, **changes: object) -> Conditioning:
    """A prompt, with boxes if there is something that reads them."""
    entry = Prompt(TOKENS[row : row + 1], grounding=gligen and Grounding(gligen, BOXES))
    return Conditioning((replace(entry, **changes),))


def by_the_library(
    reference, model, row: int, boxes: tuple[TextBox, ...] = (), x: torch.Tensor = X
) -> torch.Tensor:
    """What the library's network sees in x beside a prompt and boxes of a picture of the size of X."""
    corners, texts = torch.zeros(2, MOST_BOXES, 4), torch.zeros(2, MOST_BOXES, 8)
    used = torch.zeros(2, MOST_BOXES)
    for place, box in enumerate(boxes):
        edges = (box.x / 12, box.y / 8, (box.x + box.width) / 12, (box.y + box.height) / 8)
        corners[:, place], texts[:, place], used[:, place] = torch.tensor(edges), box.text[0], 1
    told = {"boxes": corners, "positive_embeddings": texts, "masks": used}
    sigma = model.noise.sigmas[500]
    fed, tokens = x / (sigma**2 + 1) ** 0.5, TOKENS[row : row + 1].expand(2, -1, -1)
    return x - sigma * reference(fed, 500, tokens, cross_attention_kwargs={"gligen": told}).sample


def answers(model, wanted: list[Conditioning], unwanted: list[Conditioning]) -> list[torch.Tensor]:
    """What a run's network sees in X, for each of its prompts."""
    lists = placed(*grounded(model.network, wanted, unwanted), model.noise, X)
    return Network(model).predict(X, model.noise.sigmas[500], lists)


def test_the_network_sees_boxes_as_the_library_s_does(reference, model, gligen):
    found = answers(model, [prompt(0, gligen), prompt(1)], [prompt(2)])
    for row, (answer, boxes) in enumerate(zip(found, (BOXES, (), ()), strict=True)):
        assert torch.allclose(answer, by_the_library(reference, model, row, boxes), atol=1e-4)


def test_what_is_unwanted_has_empty_boxes_even_if_it_was_given_some(reference, model, gligen):
    expected = by_the_library(reference, model, 2)
    apart = prompt(2, pooled=torch.zeros(1, 8))  # cannot share a forward with the other
    for unwanted in (prompt(2, gligen), apart):
        assert torch.allclose(answers(model, [prompt(0, gligen)], [unwanted])[1], expected, atol=1e-4)


def test_without_boxes_the_network_is_asked_as_ever(model, gligen):
    (plain,) = answers(model, [prompt(0)], [])
    (boxed,) = answers(model, [prompt(0, gligen)], [])
    assert not torch.allclose(boxed, plain, atol=1e-2)
    assert torch.equal(answers(model, [prompt(0)], [])[0], plain)
    with model.network.resident() as module:
        assert not any(hasattr(part, "fuser") for part in module.modules())


def test_a_prompt_for_an_area_has_boxes_of_the_whole_picture(reference, model, gligen):
    (found,) = answers(model, [prompt(0, gligen, area=(8, 8, 0, 4))], [])
    expected = by_the_library(reference, model, 0, BOXES, X[..., 4:])
    assert torch.allclose(found[..., 4:], expected, atol=1e-4)


def test_boxes_are_read_in_float32_whatever_the_network_computes_in(tiny_models):
    library = ModelLibrary(lambda kind: [tiny_models / kind], Memory("cpu", precision="bfloat16"))
    gligen = library.gligen(tiny.GLIGEN)
    assert (gligen.positions.dtype, gligen.gates.dtype) == (torch.float32, torch.bfloat16)
    (found,) = answers(library.checkpoint(tiny.CHECKPOINT).model, [prompt(0, gligen)], [])
    assert found.isfinite().all()


def test_a_gligen_is_refused_where_the_network_is_built_otherwise(family_library, gligen):
    other = family_library.checkpoint(tiny.SDXL).model
    with pytest.raises(FamilyMismatch, match="fit into tiny_sdxl.* Use a model of Stable Diffusion 1"):
        Guider(other, (prompt(0, gligen),), (), cfg(1.0))


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "gligen").mkdir()
    save_file({"weight": torch.zeros(2)}, tmp_path / "gligen" / "other.safetensors")
    with pytest.raises(UnknownCheckpoint, match="other.safetensors is not a GLIGEN"):
        tiny.library(tmp_path).gligen("other.safetensors")


def test_a_file_with_the_library_s_names_fits_too(tmp_path, model, gligen):
    (tmp_path / "gligen").mkdir()
    tiny.save_gligen(tmp_path / "gligen" / "library.safetensors", "library")
    other = tiny.library(tmp_path).gligen("library.safetensors")
    assert sorted(places(other, model.network).values()) == sorted(places(gligen, model.network).values())


class Described:
    """A file of which only the header is known."""

    def __init__(self, header: Header) -> None:
        self.header, self.path = header, Path(header.name)


@pytest.fixture(scope="module")
def full() -> Gligen:
    """A full-size GLIGEN under the field's names."""
    names = inverted(unet_names(SD1))
    with torch.device("meta"), Hollow():
        state = UNet2DConditionModel(**CONFIG, attention_type="gated").state_dict()
    added = {key: each for key, each in state.items() if ".fuser." in key or key.startswith("position_net.")}
    header = header_of({translated(key, names) or key: each for key, each in added.items()})
    return open_gligen(Described(header), Memory("cpu"))


@pytest.mark.slow
def test_no_weight_of_the_full_size_file_is_missing_or_left_over_or_misshapen(full):
    header = full.gates.file.header
    parts = full.positions.part, full.gates.part
    assert [faults(header, part) for part in parts] == [[], []]
    assert {key for part in parts for key in part.sources.values()} == header.entries.keys()
    assert "output_blocks.11.1.transformer_blocks.0.fuser.alpha_dense" in header.entries
    assert full.text_width == 768


@pytest.mark.slow
@pytest.mark.slow
def test_the_full_size_gates_belong_into_every_block_of_stable_diffusion_1_alone(full):
    header = header_of(original_unet(SD1, **CONFIG))
    network = Handle(SD15.parts(header).network, Described(header), Memory("cpu"))
    found = places(full, network)
    assert found["output_blocks-11-1-transformer_blocks-0"] == "up_blocks.3.attentions.2.transformer_blocks.0"
    ends = {name.removesuffix(".attn1.to_q.weight") for name in network.part.sources if "attn1.to_q" in name}
    assert set(found.values()) == ends and len(ends) == 16
    header = header_of(original_unet(replace(SD1, context=1024), **CONFIG | {"cross_attention_dim": 1024}))
    with pytest.raises(
        FamilyMismatch, match="block 320 wide that reads prompts 768 wide, at input_blocks.1.1"
    ):
        places(full, Handle(SD15.parts(header).network, Described(header), Memory("cpu")))


def test_where_idle_networks_leave_memory_those_for_boxes_are_loaded_once(tiny_models):
    library = tiny.library(tiny_models, "offload")
    model, gligen = library.checkpoint(tiny.CHECKPOINT).model, library.gligen(tiny.GLIGEN)
    answers(model, [prompt(0, gligen)], [])
    before = dict(library.memory.held)
    answers(model, [prompt(0, gligen)], [])
    assert library.memory.held == before and {gligen.gates, gligen.positions} <= before.keys()
