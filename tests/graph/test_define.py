"""The node API, on the six nodes that the style guide shows, and what the decorator leaves on a function."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Annotated, Any, NamedTuple, Protocol, TypeVar

import pytest
import torch
from torch.nn.functional import avg_pool2d

from graph.define import implementation_of, marked, node, spec_of
from graph.errors import NodeDefinitionError, WorkflowError
from graph.lazy import Lazy
from graph.node import Output, Result, Widget
from graph.services import Files, Progress, quiet
from graph.widgets import Fields, FileIn, Name, OneOf, Range, Row, Seed, Variant

T = TypeVar("T")


class Image(torch.Tensor):
    socket = "IMAGE"

    def __new__(cls, tensor):
        return tensor.as_subclass(cls)


class Mask(Image):
    socket = "MASK"


class Model(SimpleNamespace):
    socket = "MODEL"


class TextEncoder(SimpleNamespace):
    socket = "CLIP"


class Vae(SimpleNamespace):
    socket = "VAE"


class Conditioning(SimpleNamespace):
    socket = "CONDITIONING"


@dataclass(frozen=True)
class Latent:
    samples: float
    socket = "LATENT"


class Step(NamedTuple):
    x: float
    denoised: float


class ModelLibrary:
    def checkpoint(self, name: str) -> tuple[Model, TextEncoder, Vae]:
        return Model(name=name), TextEncoder(name=name), Vae(name=name)


class Outputs(Protocol):
    def save_png(self, image: Image, prefix: str) -> None: ...


class Inputs:
    def digest(self, file: str) -> str:
        return f"sha of {file}"

    def read_image(self, file: str) -> Image:
        return Image(torch.zeros(1, 1, 1, 3))


def descent(denoiser: float, x: float, sigmas: tuple[int, ...]) -> Iterator[Step]:
    for sigma in sigmas[1:]:
        x = x + denoiser * sigma
        yield Step(x, x)


SAMPLERS = {"euler": descent}
SCHEDULERS = {"normal": lambda steps, noise: tuple(range(steps, -1, -1))}


def require_family(model: Model, *conditionings: Conditioning) -> None: ...
def last_part(sigmas: tuple[int, ...], denoise: float) -> tuple[int, ...]:
    return sigmas


def guided(predict: float, positive: Conditioning, negative: Conditioning, cfg: float) -> float:
    return predict


def noised(latent: Latent, sigma: float, seed: int) -> float:
    return float(seed)


# The six nodes, word for word.


# 1. Several outputs, a file picker, a service
class Checkpoint(NamedTuple):
    model: Model
    text_encoder: TextEncoder
    vae: Vae


@node("CheckpointLoaderSimple", category="loaders", title="Load Checkpoint")
def load_checkpoint(ckpt_name: Annotated[str, FileIn("checkpoints")], *, library: ModelLibrary) -> Checkpoint:
    """Load a model, its text encoder and its VAE from one file."""
    return Checkpoint(*library.checkpoint(ckpt_name))


# 2. Ranges, choices, a seed, progress with preview, an early and readable error
@node("KSampler", category="sampling")
def ksampler(
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    latent_image: Latent,
    seed: Seed = 0,
    steps: Annotated[int, Range(1, 10_000)] = 20,
    cfg: Annotated[float, Range(0, 100, step=0.1)] = 8.0,
    sampler_name: Annotated[str, OneOf(SAMPLERS)] = "euler",
    scheduler: Annotated[str, OneOf(SCHEDULERS)] = "normal",
    denoise: Annotated[float, Range(0, 1, step=0.01)] = 1.0,
    *,
    progress: Progress = quiet,
) -> Latent:
    """Denoise a latent, guided by a prompt.

    Args:
        cfg: How strongly the picture follows the prompt.
        denoise: 1 starts from pure noise; less keeps more of the input.
    """
    require_family(model, positive, negative)
    sigmas = last_part(SCHEDULERS[scheduler](steps, model.noise), denoise)
    denoiser = guided(model.predict, positive, negative, cfg)
    x = noised(latent_image, sigmas[0], seed)
    for done, step in enumerate(SAMPLERS[sampler_name](denoiser, x, sigmas), start=1):
        x = step.x
        progress(done, len(sigmas) - 1, preview=step.denoised)  # raises Interrupted if the user pressed stop
    return replace(latent_image, samples=x)


# 3. Lazy inputs: the other branch never runs
@node(category="logic")
async def switch(condition: bool, on_true: Lazy[T], on_false: Lazy[T]) -> T:
    """Pass on one of two inputs. The other is never computed."""
    return await (on_true if condition else on_false)


# 4. A growing row of sockets, and a list that maps what follows
@node(category="image/batch")
def join_images(*images: Image) -> Image:
    """Stack images of one size into a batch."""
    return Image(torch.cat(images))


@node(category="image/batch")
def split_batch(images: Image) -> list[Image]:
    """Turn a batch into a list; the nodes that follow run once for each image."""
    return [Image(image[None]) for image in images]


# 5. A version, an upgrade of saved workflows, an optional mask
def strength_became_amount(values: dict[str, Any]) -> dict[str, Any]:
    return {("amount" if name == "strength" else name): value for name, value in values.items()}


@node(category="image/adjust", version=2, upgrades={1: strength_became_amount})
def sharpen(
    image: Image,
    amount: Annotated[float, Range(0, 5, step=0.05, slider=True)] = 1.0,
    mask: Mask | None = None,
) -> Image:
    """Sharpen everywhere, or only inside a mask."""
    planes = image.movedim(-1, 1)
    soft = avg_pool2d(planes, 3, stride=1, padding=1).movedim(1, -1)
    sharp = (image + amount * (image - soft)).clamp(0, 1)
    return Image(sharp if mask is None else torch.lerp(image, sharp, mask[..., None]))


# 6. An output node that takes the whole list; and a node whose key covers a file's content
@node(category="image/output")
def save_images(
    images: list[Image], prefix: str = "image", *, outputs: Outputs, progress: Progress = quiet
) -> None:
    """Write each image to the output folder, with the workflow inside."""
    for done, image in enumerate(images, start=1):
        outputs.save_png(image, prefix)
        progress(done, len(images), preview=image)


@node(category="image/input", fingerprint=lambda file, *, inputs: inputs.digest(file))
def load_image(file: Annotated[str, FileIn("input")], *, inputs: Inputs) -> Image:
    """Load a picture; it is read again when the file changes."""
    return inputs.read_image(file)


class Folder:
    def stamp(self, folder: str, name: str) -> list[object]:
        return [folder, name, 17]

    def path(self, folder: str, name: str) -> Path:
        return Path(folder, name)


class Host:
    """A program that offers the services it is given."""

    node = "n"

    def __init__(self, **services: object) -> None:
        self.services = dict(services.values())

    def service(self, kind: type[T]) -> T:
        return self.services[kind]

    def check(self) -> None: ...


HOST = Host(
    library=(ModelLibrary, ModelLibrary()),
    inputs=(Inputs, Inputs()),
    progress=(Progress, lambda *a, **k: None),
)
PICTURE = Image(torch.linspace(0, 1, 75).reshape(1, 5, 5, 3))


def call(function: Any, **inputs: object) -> Any:
    return implementation_of(function).call(inputs, HOST, None)


def test_a_masked_out_image_stays_as_it_was():
    assert torch.equal(sharpen(PICTURE, 3.0, mask=Mask(torch.zeros(PICTURE.shape[:3]))), PICTURE)


def test_every_step_is_reported():
    seen = []
    model, prompt = Model(noise=None, predict=0.5), Conditioning()
    ksampler(
        model, prompt, prompt, Latent(0.0), steps=5, progress=lambda done, total, preview: seen.append(done)
    )
    assert seen == [1, 2, 3, 4, 5]


def test_a_marked_function_is_still_the_same_function():
    def invert(image: Image) -> Image:
        return Image(1 - image)

    assert node("ImageInvert")(invert) is invert


def test_the_fields_of_a_named_tuple_are_the_outputs():
    assert [(each.name, each.type) for each in spec_of(load_checkpoint).outputs] == [
        ("model", "MODEL"),
        ("text_encoder", "CLIP"),
        ("vae", "VAE"),
    ]


def test_a_service_is_supplied_by_its_type():
    assert call(load_checkpoint, ckpt_name="a").outputs[0] == Model(name="a")


def test_the_signature_says_inputs_and_widgets():
    inputs = {each.name: each for each in spec_of(ksampler).inputs}
    assert [*inputs] == [*ksampler.__annotations__][:10]
    assert inputs["steps"].widget == Widget("number", 1, 10_000)
    assert inputs["sampler_name"].widget == Widget("choice", options=("euler",))
    assert inputs["seed"].widget == Widget("seed", 0, 2**64 - 1)
    assert (inputs["cfg"].type, inputs["cfg"].default) == ("FLOAT", 8.0)


def test_tooltips_come_from_the_docstring():
    spec = spec_of(ksampler)
    assert spec.description == "Denoise a latent, guided by a prompt."
    assert {each.name: each.tooltip for each in spec.inputs}[
        "cfg"
    ] == "How strongly the picture follows the prompt."


def test_what_is_not_given_takes_the_default_of_the_signature():
    prompt = Conditioning()
    inputs = {"positive": prompt, "negative": prompt, "latent_image": Latent(0.0)}
    assert call(ksampler, model=Model(noise=None, predict=0.0), seed=3, **inputs) == Result((Latent(3.0),))


async def test_a_lazy_input_that_is_not_awaited_is_not_fetched():
    fetched = []

    async def fetch() -> int:
        fetched.append(1)
        return 1

    result = await call(switch, condition=False, on_true=Lazy(fetch), on_false=Lazy.of(2))
    assert (result, fetched) == (Result((2,)), [])


async def test_a_constant_for_a_lazy_input_can_be_awaited():
    assert await call(switch, condition=True, on_true=5, on_false=6) == Result((5,))


def test_inputs_of_one_type_variable_share_a_template():
    spec = spec_of(switch)
    assert [each.template for each in (*spec.inputs, *spec.outputs)] == [None, "T", "T", "T"]
    assert spec.outputs[0].name == "output"


def test_a_row_is_gathered_in_the_order_of_its_numbers():
    images = {f"images.image{i}": Image(torch.full((1, 1, 1, 3), float(i))) for i in (10, 2, 1)}
    assert call(join_images, **images).outputs[0][:, 0, 0, 0].tolist() == [1.0, 2.0, 10.0]


def test_a_list_in_the_signature_takes_or_gives_the_whole_list():
    assert spec_of(split_batch).outputs == (Output("IMAGE", "IMAGE", gives_list=True),)
    assert spec_of(save_images).inputs[0].takes_list


def test_a_node_without_outputs_is_what_a_run_is_for():
    assert [spec_of(each).terminal for each in (save_images, sharpen)] == [True, False]


def test_an_optional_socket_may_be_left_alone():
    assert spec_of(sharpen).inputs[2].optional
    assert call(sharpen, image=PICTURE).outputs[0].shape == PICTURE.shape


def test_the_description_names_the_versions_it_can_upgrade():
    assert (spec_of(sharpen).version, spec_of(sharpen).upgrades_from) == (2, (1,))


def test_a_fingerprint_is_called_with_the_arguments_it_names():
    assert implementation_of(load_image).fingerprint({"file": "a.png"}, HOST) == "sha of a.png"


def test_a_picked_file_is_part_of_the_key():
    host = Host(files=(Files, Folder()), inputs=(Inputs, Inputs()))
    assert implementation_of(load_image).fingerprint({"file": "a.png"}, host) == [
        "sha of a.png",
        ["input", "a.png", 17],
    ]


def test_each_file_of_a_list_is_part_of_the_key():
    @node()
    def stack(files: list[Annotated[str, FileIn("input")]]) -> Image: ...

    host = Host(files=(Files, Folder()))
    assert implementation_of(stack).fingerprint({"files": ("a.png", "b.png")}, host) == [
        ["input", "a.png", 17],
        ["input", "b.png", 17],
    ]


def test_a_fingerprint_sees_none_for_what_is_wired():
    @node(fingerprint=lambda image, amount: [image, amount])
    def blur(image: Image, amount: float = 2.0) -> Image: ...

    assert implementation_of(blur).fingerprint({"image": None}, Host()) == [None, 2.0]


def test_a_pack_node_without_a_name_is_called_after_pack_and_function():
    def glow(image: Image) -> Image: ...

    glow.__module__ = "nodes.custom.film.light"
    assert spec_of(node()(glow)).type == "film.glow"


def test_a_title_is_the_functions_name_in_words():
    assert [spec_of(each).title for each in (join_images, ksampler, switch)] == [
        "Join images",
        "KSampler",
        "Switch",
    ]


class ByFactor(NamedTuple):
    factor: Annotated[float, Range(0.01, 8)] = 1.0


class ToSize(NamedTuple):
    width: int = 512
    height: int = 512


CASES = {"by factor": ByFactor, "to size": ToSize}
TWICE = ByFactor(2.0)


@node()
def resize(
    image: Image, resize_type: Annotated[ByFactor | ToSize, Variant(CASES)] = TWICE
) -> tuple[ByFactor | ToSize, Any]:
    return resize_type, image


def test_a_variant_brings_the_inputs_of_its_choice():
    names = [each.name for each in implementation_of(resize).inputs({"resize_type": "to size"})]
    assert names == ["image", "resize_type", "resize_type.width", "resize_type.height"]


def test_a_variant_reaches_the_function_as_an_instance_of_its_case():
    inputs = {"image": 0, "resize_type": "to size", "resize_type.width": 64}
    assert call(resize, **inputs).outputs[0] == ToSize(64, 512)


def test_the_default_of_a_variant_chooses_its_case_and_its_values():
    assert spec_of(resize).inputs[1].default == "by factor"
    assert call(resize, image=0).outputs[0] == ByFactor(2.0)


def test_names_that_are_no_identifiers_can_be_inputs():
    @node()
    def merge(
        ratio: Annotated[float, Name("time_embed.")] = 0.5,
        **blocks: Annotated[float, Fields(("in.0.", "in.1."), 1.0), Range(0, 1)],
    ) -> tuple[float, float]:
        return ratio, blocks["in.1."]

    assert [each.name for each in spec_of(merge).inputs] == ["time_embed.", "in.0.", "in.1."]
    assert call(merge, **{"time_embed.": 0.25}).outputs == (0.25, 1.0)


def test_a_row_can_have_a_least_number_and_names():
    @node()
    def mix(*colors: Annotated[Image, Row(names=("red", "green"), least=1)]) -> Image: ...

    found = implementation_of(mix).inputs({"colors.green": None})
    assert [(each.name, each.optional) for each in found] == [("colors.red", False), ("colors.green", True)]


def test_a_missing_value_is_told_in_a_sentence():
    with pytest.raises(WorkflowError, match=r"Input 'image' has no value\."):
        call(sharpen)


def test_a_missing_service_is_told_in_a_sentence():
    with pytest.raises(WorkflowError, match="offers no ModelLibrary"):
        implementation_of(load_checkpoint).call({"ckpt_name": "a"}, Host(), None)


def test_a_node_that_returns_too_little_is_told_so():
    @node()
    def pair(image: Image) -> tuple[Image, Image]:
        return image

    with pytest.raises(WorkflowError, match="pair should return 2 values, but returned one of type int"):
        call(pair, image=1)


def test_a_module_gives_the_nodes_it_defines_itself():
    module = ModuleType("film")

    @node()
    def own(image: Image) -> Image: ...

    own.__module__ = "film"
    module.own, module.imported, module.number = own, sharpen, 3
    assert [each.function for each in marked(module)] == [own]


def test_an_unknown_option_is_refused_with_the_nearest_one():
    with pytest.raises(NodeDefinitionError, match=r"no option 'categry'. Did you mean 'category'\?"):
        node(categry="image")


def test_the_decorator_needs_its_parentheses():
    with pytest.raises(NodeDefinitionError, match=r"sharpen: write '@node\(\)' with parentheses"):
        node(sharpen)


def test_a_fingerprint_must_ask_for_what_the_node_has():
    with pytest.raises(NodeDefinitionError, match="its fingerprint asks for 'fil'"):
        node(fingerprint=lambda fil: fil)(load_image)


def test_an_upgrade_must_be_of_an_older_version():
    with pytest.raises(NodeDefinitionError, match="upgrades has 2, but the version is 2"):
        node(version=2, upgrades={2: dict})(load_image)


def test_a_lazy_input_needs_an_async_function():
    def choose(on_true: Lazy[int]) -> int: ...

    with pytest.raises(NodeDefinitionError, match="parameter 'on_true' is lazy. Write 'async def choose'"):
        node()(choose)


def test_what_is_no_node_has_no_description():
    with pytest.raises(LookupError, match="not marked"):
        spec_of(quiet)


def test_an_async_node_is_described_as_one():
    assert spec_of(switch).is_async and asyncio.iscoroutinefunction(switch)
