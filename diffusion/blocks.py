"""The field's original names of blocks and weights, and the library's: one table for each network.

Every file, patch and hook addresses blocks through here. A table maps the start of an original name to the
start of the library's; what follows is the same in both. For example, `input_blocks.1.0.in_layers.2` is
`down_blocks.0.resnets.0.conv1`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Names: TypeAlias = Mapping[str, str]
Shapes: TypeAlias = Mapping[str, tuple[int, ...]]

RESNET = (
    ("in_layers.0", "norm1"),
    ("in_layers.2", "conv1"),
    ("emb_layers.1", "time_emb_proj"),
    ("out_layers.0", "norm2"),
    ("out_layers.3", "conv2"),
    ("skip_connection", "conv_shortcut"),
)
UNET_ENDS = (
    ("time_embed.0", "time_embedding.linear_1"),
    ("time_embed.2", "time_embedding.linear_2"),
    ("input_blocks.0.0", "conv_in"),
    ("out.0", "conv_norm_out"),
    ("out.2", "conv_out"),
)
VAE_RESNET = (
    ("norm1", "norm1"),
    ("conv1", "conv1"),
    ("norm2", "norm2"),
    ("conv2", "conv2"),
    ("nin_shortcut", "conv_shortcut"),
)
VAE_ATTENTION = (
    ("norm", "group_norm"),
    ("q", "to_q"),
    ("k", "to_k"),
    ("v", "to_v"),
    ("proj_out", "to_out.0"),
)

VAE_OLDER = (("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0"))
"""How the library called the matrices of a VAE's attention at first, and how it does now."""


@dataclass(frozen=True, slots=True)
class UnetShape:
    """The architecture of a U-Net, as its weights' shapes tell it. One entry for each level, finest first.

    depths: transformer layers in each attention of the level's encoder, 0 for none. linear: attention is
    entered by a matrix. up_depths: those of the decoder, block by block, where they are not the encoder's.
    middle_blocks: how many residual blocks are in the middle. vector: how wide what the network takes
    besides the prompt is, 0 for nothing. classes: how many numbers it may be told instead, each with a
    meaning that it learnt. crosses: whether tokens never attend to each other, only to the prompt; empty if
    that is so at no level.
    """

    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    depths: tuple[int, ...]
    middle_depth: int
    context: int
    linear: bool
    in_channels: int
    up_depths: tuple[tuple[int, ...], ...] = ()
    middle_blocks: int = 2
    vector: int = 0
    classes: int = 0
    crosses: tuple[bool, ...] = ()

    def decoder_depth(self, level: int, block: int) -> int:
        """The transformer layers after one residual block of the decoder."""
        return self.up_depths[level][block] if self.up_depths else self.depths[level]


@dataclass(frozen=True, slots=True)
class VaeShape:
    """The architecture of a VAE. `channels` has one entry for each level, finest first."""

    channels: tuple[int, ...]
    blocks: int
    latent_channels: int
    is_quantised: bool = True
    """Whether 1x1 convolutions stand between the encoder, the latent and the decoder."""


def unet_names(shape: UnetShape) -> dict[str, str]:
    """Original to library names for a U-Net."""
    names = dict(UNET_ENDS)
    names.update(encoder_names(shape))
    index = 0
    levels = len(shape.channels)
    for up, level in enumerate(reversed(range(levels))):
        for block in range(shape.blocks[level] + 1):
            names.update(resnet_names(f"output_blocks.{index}.0", f"up_blocks.{up}.resnets.{block}"))
            place = 1
            if shape.decoder_depth(level, block):
                names[f"output_blocks.{index}.1"] = f"up_blocks.{up}.attentions.{block}"
                place = 2
            if block == shape.blocks[level] and level:
                names[f"output_blocks.{index}.{place}.conv"] = f"up_blocks.{up}.upsamplers.0.conv"
            index += 1
    return names


def encoder_names(shape: UnetShape) -> dict[str, str]:
    """Original to library names for the encoder half and the middle, which a ControlNet shares."""
    names: dict[str, str] = {}
    index = 1
    for level, blocks in enumerate(shape.blocks):
        for block in range(blocks):
            names.update(resnet_names(f"input_blocks.{index}.0", f"down_blocks.{level}.resnets.{block}"))
            if shape.depths[level]:
                names[f"input_blocks.{index}.1"] = f"down_blocks.{level}.attentions.{block}"
            index += 1
        if level < len(shape.blocks) - 1:
            names[f"input_blocks.{index}.0.op"] = f"down_blocks.{level}.downsamplers.0.conv"
            index += 1
    names.update(resnet_names("middle_block.0", "mid_block.resnets.0"))
    names["middle_block.1"] = "mid_block.attentions.0"
    names.update(resnet_names("middle_block.2", "mid_block.resnets.1"))
    return names


def vector_names(embedding: str) -> dict[str, str]:
    """Original to library names for what reads the vector beside the prompt, or a class.

    The library calls it `add_embedding` where the vector holds sizes, else `class_embedding`.
    """
    matrices = {"label_emb.0.0": f"{embedding}.linear_1", "label_emb.0.2": f"{embedding}.linear_2"}
    return matrices | {"label_emb": embedding}


def control_names(shape: UnetShape) -> dict[str, str]:
    """Original to library names for a ControlNet."""
    names = {original: ours for original, ours in UNET_ENDS if not original.startswith("out.")}
    names.update(encoder_names(shape))
    names["input_hint_block.0"] = "controlnet_cond_embedding.conv_in"
    for block in range(6):
        names[f"input_hint_block.{2 * block + 2}"] = f"controlnet_cond_embedding.blocks.{block}"
    names["input_hint_block.14"] = "controlnet_cond_embedding.conv_out"
    for skip in range(sum(shape.blocks) + len(shape.blocks)):
        names[f"zero_convs.{skip}.0"] = f"controlnet_down_blocks.{skip}"
    names["middle_block_out.0"] = "controlnet_mid_block"
    return names


def vae_names(shape: VaeShape) -> dict[str, str]:
    """Original to library names for a VAE. The decoder's levels are counted the other way round."""
    names = {key: key for key in ("quant_conv", "post_quant_conv")}
    levels = len(shape.channels)
    for level in range(levels):
        up = levels - 1 - level
        for block in range(shape.blocks):
            place = f"encoder.down.{level}.block.{block}"
            names.update(nested(place, f"encoder.down_blocks.{level}.resnets.{block}", VAE_RESNET))
        for block in range(shape.blocks + 1):
            place = f"decoder.up.{level}.block.{block}"
            names.update(nested(place, f"decoder.up_blocks.{up}.resnets.{block}", VAE_RESNET))
        names[f"encoder.down.{level}.downsample"] = f"encoder.down_blocks.{level}.downsamplers.0"
        names[f"decoder.up.{level}.upsample"] = f"decoder.up_blocks.{up}.upsamplers.0"
    for side in ("encoder", "decoder"):
        names.update(nested(f"{side}.mid.block_1", f"{side}.mid_block.resnets.0", VAE_RESNET))
        names.update(nested(f"{side}.mid.block_2", f"{side}.mid_block.resnets.1", VAE_RESNET))
        names.update(nested(f"{side}.mid.attn_1", f"{side}.mid_block.attentions.0", VAE_ATTENTION))
        names[f"{side}.norm_out"] = f"{side}.conv_norm_out"
        names.update((f"{side}.{conv}", f"{side}.{conv}") for conv in ("conv_in", "conv_out"))
    return names


def library_vae_names(keys: Iterable[str]) -> dict[str, str]:
    """The library's names in a file of a VAE, old or new, to those it has now."""
    names = {key: key for key in keys}
    for key in names:
        for older, now in VAE_OLDER:
            names[key] = names[key].replace(f".attentions.0.{older}.", f".attentions.0.{now}.")
    return names


def resnet_names(original: str, ours: str) -> Iterator[tuple[str, str]]:
    """The names inside a residual block of a U-Net."""
    return nested(original, ours, RESNET)


def nested(original: str, ours: str, inner: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Names below two prefixes."""
    return ((f"{original}.{theirs}", f"{ours}.{mine}") for theirs, mine in inner)


def translated(key: str, names: Names) -> str | None:
    """An original name in the library's words, by the longest known start; None if no start is known."""
    head, tail = key, ""
    while head:
        if head in names:
            return names[head] + tail
        head, _, last = head.rpartition(".")
        tail = f".{last}{tail}"
    return None


def inverted(names: Names) -> dict[str, str]:
    """Library to original names."""
    return {ours: original for original, ours in names.items()}


def read_unet_shape(shapes: Shapes) -> UnetShape | None:
    """The architecture of a U-Net or ControlNet whose weights have original names.

    None if it has no encoder.
    """
    if "input_blocks.0.0.weight" not in shapes:
        return None
    channels: list[int] = []
    blocks = [0]
    depths = [0]
    index = 1
    while True:
        place = f"input_blocks.{index}"
        if f"{place}.0.op.weight" in shapes:
            blocks.append(0)
            depths.append(0)
        elif f"{place}.0.in_layers.2.weight" in shapes:
            channels[len(blocks) - 1 :] = [shapes[f"{place}.0.in_layers.2.weight"][0]]
            blocks[-1] += 1
            depths[-1] = counted(shapes, f"{place}.1.transformer_blocks")
        else:
            break
        index += 1
    attention = [key.removesuffix("proj_in.weight") for key in shapes if key.endswith(".1.proj_in.weight")]
    if len(channels) != len(blocks) or not attention:
        return None
    return UnetShape(
        tuple(channels),
        tuple(blocks),
        tuple(depths),
        counted(shapes, "middle_block.1.transformer_blocks"),
        shapes.get(f"{attention[0]}transformer_blocks.0.attn2.to_k.weight", (0, 0))[1],
        len(shapes[f"{attention[0]}proj_in.weight"]) == 2,
        shapes["input_blocks.0.0.weight"][1],
        read_up_depths(shapes, blocks, depths),
        sum(f"middle_block.{place}.in_layers.2.weight" in shapes for place in (0, 2)),
        shapes.get("label_emb.0.0.weight", (0,))[-1],
        shapes.get("label_emb.weight", (0,))[0],
        read_crosses(
            shapes, [f"input_blocks.{1 + sum(blocks[:each]) + each}.1" for each in range(len(blocks))]
        ),
    )


def read_crosses(shapes: Shapes, attentions: list[str]) -> tuple[bool, ...]:
    """At which levels, by the first attention of each, tokens attend to the prompt alone.

    Told by keys made of something of another width than the tokens'.
    """
    ends = (f"{place}.transformer_blocks.0.attn1.to_k.weight" for place in attentions)
    crosses = tuple(len(set(shapes.get(end, ()))) > 1 for end in ends)
    return crosses if any(crosses) else ()


def read_up_depths(shapes: Shapes, blocks: list[int], depths: list[int]) -> tuple[tuple[int, ...], ...]:
    """The depths of a decoder under original names, finest level first; nothing if the encoder's."""
    index = 0
    found: list[tuple[int, ...]] = []
    for count in reversed(blocks):
        places = [f"output_blocks.{index + block}.1.transformer_blocks" for block in range(count + 1)]
        found.append(tuple(counted(shapes, place) for place in places))
        index += count + 1
    same = [(depth,) * (count + 1) for count, depth in zip(blocks, depths, strict=True)]
    is_controlnet = "output_blocks.0.0.in_layers.2.weight" not in shapes
    return () if is_controlnet or found[::-1] == same else tuple(found[::-1])


def read_library_unet_shape(shapes: Shapes) -> UnetShape | None:
    """The architecture of a U-Net or ControlNet whose weights have the library's names."""
    levels = counted(shapes, "down_blocks")
    attention = [key.removesuffix("proj_in.weight") for key in shapes if key.endswith(".proj_in.weight")]
    if "conv_in.weight" not in shapes or not levels or not attention:
        return None
    places = [f"down_blocks.{level}" for level in range(levels)]
    return UnetShape(
        tuple(shapes.get(f"{place}.resnets.0.conv1.weight", (0,))[0] for place in places),
        tuple(counted(shapes, f"{place}.resnets") for place in places),
        tuple(counted(shapes, f"{place}.attentions.0.transformer_blocks") for place in places),
        counted(shapes, "mid_block.attentions.0.transformer_blocks"),
        shapes.get(f"{attention[0]}transformer_blocks.0.attn2.to_k.weight", (0, 0))[1],
        len(shapes[f"{attention[0]}proj_in.weight"]) == 2,
        shapes["conv_in.weight"][1],
        read_library_up_depths(shapes, places),
        counted(shapes, "mid_block.resnets"),
        max(shapes.get(f"{name}_embedding.linear_1.weight", (0,))[-1] for name in ("add", "class")),
        shapes.get("class_embedding.weight", (0,))[0],
        read_crosses(shapes, [f"{place}.attentions.0" for place in places]),
    )


def read_library_up_depths(shapes: Shapes, places: list[str]) -> tuple[tuple[int, ...], ...]:
    """The depths of a decoder under the library's names, finest level first; nothing if the encoder's."""
    found: list[tuple[int, ...]] = []
    same: list[tuple[int, ...]] = []
    for up, place in enumerate(reversed(places)):
        blocks = range(counted(shapes, f"{place}.resnets") + 1)
        attentions = [f"up_blocks.{up}.attentions.{block}.transformer_blocks" for block in blocks]
        found.append(tuple(counted(shapes, attention) for attention in attentions))
        same.append((counted(shapes, f"{place}.attentions.0.transformer_blocks"),) * len(blocks))
    is_controlnet = "up_blocks.0.resnets.0.conv1.weight" not in shapes
    return () if is_controlnet or found == same else tuple(found[::-1])


def read_vae_shape(shapes: Shapes) -> VaeShape | None:
    """The architecture of a VAE under original names or the library's; None if it has no decoder."""
    down, block = ("encoder.down", "block")
    if "decoder.conv_in.weight" in shapes and not counted(shapes, down):
        down, block = ("encoder.down_blocks", "resnets")  # the library's names
    levels = counted(shapes, down)
    if "decoder.conv_in.weight" not in shapes or not levels:
        return None
    return VaeShape(
        tuple(shapes.get(f"{down}.{level}.{block}.0.conv1.weight", (0,))[0] for level in range(levels)),
        counted(shapes, f"{down}.0.{block}"),
        shapes["decoder.conv_in.weight"][1],
        "quant_conv.weight" in shapes,
    )


def counted(names: Iterable[str], prefix: str) -> int:
    """How many numbered members a list of modules has."""
    start = prefix.count(".") + 1
    found = (key.split(".")[start] for key in names if key.startswith(f"{prefix}."))
    return max((int(number) + 1 for number in found if number.isdigit()), default=0)
