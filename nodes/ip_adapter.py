"""Nodes that let a model attend to pictures as it does to a prompt."""

from types import MappingProxyType
from typing import Annotated, NamedTuple

from diffusion.clip_vision import ClipVision
from diffusion.errors import DiffusionError
from diffusion.ip_adapter import TAKEN, IpAdapter, PicturePrompt, Together, places, tokens
from diffusion.ip_adapter_presets import PRESETS, preset_adapter
from diffusion.library import ModelLibrary
from diffusion.model import Model
from diffusion.values import Image, Mask
from graph.define import node
from graph.widgets import FileIn, OneOf, Range

Part = Annotated[float, Range(0.0, 1.0, step=0.001)]
SCALINGS = ("V only", "K+V")
SIMPLE = MappingProxyType({"standard": "linear", "style transfer": "style transfer"})


@node("IPAdapterModelLoader", category="loaders", title="IPAdapter Model Loader", outputs=("IPADAPTER",))
def load_ip_adapter(
    ipadapter_file: Annotated[str, FileIn("ipadapter")], *, library: ModelLibrary
) -> IpAdapter:
    """Load networks that let a diffusion model attend to pictures.

    Args:
        ipadapter_file: The file, in the ipadapter folder.

    Returns:
        The IP-Adapter.
    """
    return library.ip_adapter(ipadapter_file)


@node("IPAdapterAdvanced", category="model_patches", title="IPAdapter Advanced", outputs=("MODEL",))
def apply_ip_adapter(
    model: Model,
    ipadapter: IpAdapter,
    image: Image,
    weight: Annotated[float, Range(-1.0, 5.0, step=0.05)] = 1.0,
    weight_type: Annotated[str, OneOf(TAKEN)] = "linear",
    combine_embeds: Together = "concat",
    start_at: Part = 0.0,
    end_at: Part = 1.0,
    embeds_scaling: Annotated[str, OneOf(SCALINGS)] = "V only",
    image_negative: Image | None = None,
    attn_mask: Mask | None = None,
    clip_vision: ClipVision | None = None,
) -> Model:
    """Let a diffusion model attend to pictures beside the prompt. Several can be chained.

    Args:
        model: The diffusion model.
        ipadapter: The IP-Adapter, made for the model's family.
        image: The pictures that are wanted.
        weight: How strongly they act; 0 not at all.
        weight_type: What is taken of them: all, or only their style or their composition.
        combine_embeds: How several pictures become one.
        start_at: The part of the sampling after which they act, 0 from the beginning.
        end_at: The part of the sampling until which they act, 1 to the end.
        embeds_scaling: Whether the weight also says how much the pictures are looked for.
        image_negative: Pictures to keep away from.
        attn_mask: Where in the picture they act.
        clip_vision: The image encoder that the IP-Adapter was made with.

    Returns:
        The model that attends to the pictures.
    """
    there = places(ipadapter, model.network, model.family, weight_type)
    if weight == 0:
        return model
    encoder = clip_vision or ipadapter.encoder
    if encoder is None:
        raise DiffusionError("An IP-Adapter needs an image encoder.", "Connect one to clip_vision.")
    seen = tokens(ipadapter, encoder, image, image_negative, combine_embeds)
    scales_keys = embeds_scaling == "K+V"
    timed = PicturePrompt(ipadapter.network, seen, there, weight, start_at, end_at, scales_keys, attn_mask)
    return model.with_picture(timed)


class Unified(NamedTuple):
    """The model as it was, and an IP-Adapter for it."""

    model: Model
    ipadapter: IpAdapter


@node(
    "IPAdapterUnifiedLoader",
    category="loaders",
    title="IPAdapter Unified Loader",
    outputs=("model", "ipadapter"),
)
def load_preset_ip_adapter(
    model: Model,
    preset: Annotated[str, OneOf(PRESETS)] = "STANDARD (medium strength)",
    *,
    library: ModelLibrary,
) -> Unified:
    """Load an IP-Adapter by what it is good for, with the image encoder that belongs to it.

    Args:
        model: The diffusion model that it is for.
        preset: How strongly it acts, and what it looks at. Each is a file as its authors published it.
    """
    return Unified(model, preset_adapter(library, preset, model.family.name))


@node("IPAdapter", category="model_patches", title="IPAdapter", outputs=("MODEL",))
def apply_ip_adapter_simply(
    model: Model,
    ipadapter: IpAdapter,
    image: Image,
    weight: Annotated[float, Range(-1.0, 3.0, step=0.05)] = 1.0,
    start_at: Part = 0.0,
    end_at: Part = 1.0,
    weight_type: Annotated[str, OneOf(SIMPLE)] = "standard",
    attn_mask: Mask | None = None,
) -> Model:
    """Let a diffusion model attend to pictures beside the prompt, with an IP-Adapter of a preset.

    Args:
        model: The diffusion model.
        ipadapter: The IP-Adapter, with its image encoder.
        image: The pictures.
        weight: How strongly they act; 0 not at all.
        start_at: The part of the sampling after which they act, 0 from the beginning.
        end_at: The part of the sampling until which they act, 1 to the end.
        weight_type: What is taken of them: all, or only their style.
        attn_mask: Where in the picture they act.

    Returns:
        The model that attends to the pictures.
    """
    when, taken = (start_at, end_at), SIMPLE[weight_type]
    return apply_ip_adapter(model, ipadapter, image, weight, taken, "concat", *when, attn_mask=attn_mask)
