"""The networks in a file of weights: where each begins, its architecture, and which weight is which."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple, TypeAlias

from torch import nn

from diffusion import networks
from diffusion.blocks import (
    Shapes,
    UnetShape,
    VaeShape,
    control_names,
    counted,
    library_vae_names,
    read_library_unet_shape,
    read_unet_shape,
    read_vae_shape,
    translated,
    unet_names,
    vae_names,
    vector_names,
)
from diffusion.checkpoint import Header, Kind, Part
from diffusion.errors import BrokenFile

UNET_PREFIXES = ("model.diffusion_model.", "model.model.", "net.", "model.", "")
VAE_PREFIXES = ("first_stage_model.", "vae.", "")
LIBRARY_PREFIXES = ("", "unet.", "model.diffusion_model.")
CONTROL_PREFIXES = ("control_model.", "")

Heads: TypeAlias = Callable[[Header, UnetShape], int | tuple[int, ...]]
"""How many attention heads a U-Net has, everywhere or at each level; shapes do not tell."""


class Unet(NamedTuple):
    """The U-Net in a file: what its keys start with, and its architecture.

    shape is None if no part of it looks at a prompt. is_library: its weights have the library's names.
    """

    prefix: str
    shape: UnetShape | None
    weights: Shapes
    is_library: bool = False


def find_unet(header: Header) -> Unet | None:
    """The U-Net of a file, under original names or the library's; None if there is none.

    A ControlNet, which begins in the same way, is none.
    """
    prefix, shapes = under_first(header, UNET_PREFIXES, "input_blocks.0.0.weight")
    if shapes and "input_hint_block.0.weight" not in shapes:
        return Unet(prefix, read_unet_shape(shapes), shapes)
    prefix, shapes = under_first(header, LIBRARY_PREFIXES, "up_blocks.0.resnets.0.conv1.weight")
    return Unet(prefix, read_library_unet_shape(shapes), shapes, True) if shapes else None


def unet_part(header: Header, heads: Heads, sizes: int = 0, upcasts: bool = False) -> Part | None:
    """The U-Net of a file. sizes: how many numbers its vector holds beside the pooled prompt.

    upcasts: it attends in float32, whatever it computes in.
    """
    found = find_unet(header)
    if found is None or found.shape is None:
        return None
    config = unet_config(header, found.shape, heads, sizes) | {"upcast_attention": upcasts}
    build = partial(networks.unet, config)
    names = unet_names(found.shape) | vector_names("add_embedding" if sizes else "class_embedding")
    if found.is_library:
        names = {key: key for key in found.weights}
    return part("diffusion model", build, header, found.prefix, names)


def vae_part(header: Header) -> Part | None:
    """The VAE of a file, under original names or the library's."""
    prefix, shapes = under_first(header, VAE_PREFIXES, "decoder.conv_in.weight")
    shape = read_vae_shape(shapes)
    if shape is None:
        return None
    build = partial(networks.autoencoder, vae_config(header, shape))
    is_library = any(key.startswith("encoder.down_blocks.") for key in shapes)
    names = library_vae_names(shapes) if is_library else vae_names(shape)
    return part("VAE", build, header, prefix, names, "vae")


def control_part(
    header: Header, heads: Heads, fits: Callable[[UnetShape], bool], sizes: int = 0, upcasts: bool = False
) -> Part | None:
    """The ControlNet in a file of original or library names; None if there is none that fits the family.

    sizes, upcasts: as for `unet_part`.
    """
    prefix, shapes = under_first(header, CONTROL_PREFIXES, "input_hint_block.0.weight")
    if shapes:
        shape, names = read_unet_shape(shapes), None
        hint = tuple(shapes.get(f"input_hint_block.{place}.weight", (0,))[0] for place in (0, 4, 8, 12))
    else:
        prefix, shapes = under_first(header, ("",), "controlnet_cond_embedding.conv_in.weight")
        shape, names = read_library_unet_shape(shapes), {key: key for key in shapes}
        inner = "controlnet_cond_embedding"
        places = (f"{inner}.conv_in", *(f"{inner}.blocks.{block}" for block in (1, 3, 5)))
        hint = tuple(shapes.get(f"{place}.weight", (0,))[0] for place in places)
    if shape is None or not fits(shape):
        return None
    config = unet_config(header, shape, heads, sizes)
    for only_unet in ("out_channels", "up_block_types", "sample_size"):
        del config[only_unet]
    config |= {"layers_per_block": shape.blocks[0], "conditioning_embedding_out_channels": hint}
    config["upcast_attention"] = upcasts
    names = names or control_names(shape) | vector_names("add_embedding" if sizes else "class_embedding")
    build = partial(networks.control_net, config)
    if "task_embedding" in shapes:
        build = partial(networks.union_control_net, config | union_config(header, shapes))
    return part("ControlNet", build, header, prefix, names)


def union_config(header: Header, shapes: Shapes) -> dict[str, object]:
    """The library's settings for what reads several kinds of hints."""
    kinds, width = shapes["task_embedding"]
    return {
        "num_control_type": kinds,
        "num_trans_channel": width,
        "num_trans_head": header.number("control.num_heads", 8),
        "num_trans_layer": counted(shapes, "transformer_layes"),
        "num_proj_channel": shapes.get("spatial_ch_projs.weight", (width,))[0],
    }


def under_first(header: Header, prefixes: tuple[str, ...], mark: str) -> tuple[str, Shapes]:
    """The first prefix under which the file has `mark`, and the shapes of what lies there.

    Nothing if there is none.
    """
    for prefix in prefixes:
        if header.has(prefix + mark):
            found = header.under(prefix)
            return prefix, {name: header.entries[key].shape for name, key in found.items()}
    return "", {}


def part(
    title: str,
    build: Callable[[], nn.Module],
    header: Header,
    prefix: str,
    names: Mapping[str, str],
    kind: Kind = "network",
) -> Part:
    """A network of the file, with each weight's place by the library's name."""
    sources: dict[str, str] = {}
    surplus: list[str] = []
    for name, key in header.under(prefix).items():
        ours = translated(name, names)
        if ours is None:
            surplus.append(key)
        elif not ours.endswith("position_ids"):
            sources[ours] = key
    return Part(title, kind, build, sources, prefix, tuple(surplus))


def same_heads(header: Header, _shape: UnetShape) -> int:
    """As many heads at every level: 8, unless the metadata knows better."""
    return header.number("unet.num_heads", 8)


def wide_heads(header: Header, shape: UnetShape) -> tuple[int, ...]:
    """Heads of one width at every level: 64 channels, unless the metadata knows better."""
    width = header.number("unet.head_channels", 64)
    return tuple(max(1, channels // width) for channels in shape.channels)


def unet_config(header: Header, shape: UnetShape, heads: Heads, sizes: int = 0) -> dict[str, object]:
    """The library's settings for a U-Net of that shape."""
    if shape.middle_depth and shape.depths[-1] not in (0, shape.middle_depth):
        raise BrokenFile(f"{header.name} has a U-Net whose middle does not fit its coarsest level.")
    down = tuple("CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in shape.depths)
    levels = list(range(len(shape.channels)))
    up_depths = [
        tuple(shape.decoder_depth(level, block) for block in range(shape.blocks[level] + 1))
        for level in reversed(levels)
    ]
    config: dict[str, object] = {
        "sample_size": 64,
        "in_channels": shape.in_channels,
        "out_channels": 4,
        "block_out_channels": shape.channels,
        "layers_per_block": shape.blocks,
        "down_block_types": down,
        "up_block_types": tuple("CrossAttnUpBlock2D" if any(each) else "UpBlock2D" for each in up_depths),
        "transformer_layers_per_block": tuple(depth or shape.middle_depth or 1 for depth in shape.depths),
        "cross_attention_dim": shape.context,
        "attention_head_dim": heads(header, shape),  # the library's name for how many heads
        "norm_num_groups": header.number("unet.norm_groups", 32),
        "use_linear_projection": shape.linear,
    }
    if shape.up_depths:
        config["reverse_transformer_layers_per_block"] = up_depths
    if shape.middle_blocks < 2:
        config["mid_block_type"] = "UNetMidBlock2D" if shape.middle_blocks else None
    if sizes:
        config |= {"addition_embed_type": "text_time", "addition_time_embed_dim": 256}
    elif shape.vector:
        config["class_embed_type"] = "projection"
    if shape.vector:
        config["projection_class_embeddings_input_dim"] = shape.vector
    if shape.classes:
        config["num_class_embeds"] = shape.classes
    if shape.crosses:
        config["only_cross_attention"] = shape.crosses
    return config


def vae_config(header: Header, shape: VaeShape) -> dict[str, object]:
    """The library's settings for a VAE of that shape."""
    levels = len(shape.channels)
    return {
        "in_channels": 3,
        "out_channels": 3,
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "block_out_channels": shape.channels,
        "layers_per_block": shape.blocks,
        "latent_channels": shape.latent_channels,
        "use_quant_conv": shape.is_quantised,
        "use_post_quant_conv": shape.is_quantised,
        "norm_num_groups": header.number("vae.norm_groups", 32),
    }
