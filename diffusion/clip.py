"""CLIP's text encoders in files: in the library's layout or OpenCLIP's, inside a checkpoint or alone.

Radford et al. 2021 (arXiv:2103.00020); Cherti et al. 2022 (arXiv:2212.07143) for OpenCLIP.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import product
from typing import NamedTuple

from torch import nn

from diffusion import networks
from diffusion.blocks import Shapes, counted, translated
from diffusion.checkpoint import Header, Part, Piece
from diffusion.parts import part, under_first

LIBRARY_PREFIXES = ("text_model.", "transformer.text_model.", "text_encoder.text_model.", "")
OPEN_PREFIXES = ("", "model.", "text.", "transformer.")
LARGEST, LARGE = 31, 23
"""From how many layers on a text encoder is OpenCLIP's bigG, or its H."""
OPEN_CLIP = {
    "token_embedding": "embeddings.token_embedding",
    "positional_embedding": "embeddings.position_embedding.weight",
    "ln_final": "final_layer_norm",
    "text_projection": "text_projection.weight",
}
OPEN_CLIP_LAYER = {
    "attn.out_proj": "self_attn.out_proj",
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}


class Alone(NamedTuple):
    """A text encoder in a file of its own: `clip_l`, `clip_h` or `clip_g`."""

    name: str
    part: Part


def alone(header: Header) -> Alone | None:
    """The CLIP in a file of its own, told by its number of layers unless the metadata names it."""
    open_clip = open_clip_part(header, OPEN_PREFIXES)
    found = open_clip or clip_part(header, LIBRARY_PREFIXES)
    if found is None:
        return None
    layers = counted(found.sources, "encoder.layers")
    size = "clip_g" if layers >= LARGEST else "clip_h" if layers >= LARGE else "clip_l"
    name = header.metadata.get("text.encoder", size)
    if open_clip is None and name != "clip_l":
        found = clip_part(header, LIBRARY_PREFIXES, "gelu") or found
    return Alone(name, found)


def clip_part(header: Header, prefixes: tuple[str, ...], activation: str = "quick_gelu") -> Part | None:
    """CLIP's text transformer in the layout of its first release and of the library."""
    prefix, shapes = under_first(header, prefixes, "embeddings.token_embedding.weight")
    if not shapes:
        return None
    layers = counted(shapes, "encoder.layers")
    inner = shapes.get("encoder.layers.0.mlp.fc1.weight", (0,))[0]
    config = clip_config(header, shapes, layers, inner) | {"hidden_act": activation}
    build = partial(networks.clip_text, config)
    same = {"embeddings": "embeddings", "encoder": "encoder", "final_layer_norm": "final_layer_norm"}
    found = part("text encoder", build, header, prefix, same, "text")
    projection = f"{prefix.removesuffix('text_model.')}text_projection.weight"
    if activation == "quick_gelu" or not header.has(projection):  # the first release is read unprojected
        return found
    build = partial(build, projection=header.shape(projection)[0])
    return replace(found, build=build, sources={**found.sources, "text_projection.weight": projection})


def open_clip_part(header: Header, prefixes: tuple[str, ...]) -> Part | None:
    """The text transformer of a CLIP trained by OpenCLIP, in its own layout.

    There the three matrices that enter attention are one, and the projection stands the other way round.
    """
    prefix, shapes = under_first(header, prefixes, "transformer.resblocks.0.attn.in_proj_weight")
    if not shapes:
        return None
    layers = counted(shapes, "transformer.resblocks")
    inner = shapes.get("transformer.resblocks.0.mlp.c_fc.weight", (0,))[0]
    library = {translated(key, OPEN_CLIP) or key: shape for key, shape in shapes.items()}
    config = clip_config(header, library, layers, inner) | {"hidden_act": "gelu"}
    projection = shapes.get("text_projection", (0, 0))[1]
    build = partial(networks.clip_text, config, projection)
    return open_part("text encoder", build, header, prefix, OPEN_CLIP)


def open_part(
    title: str,
    build: Callable[[], nn.Module],
    header: Header,
    prefix: str,
    ends: Mapping[str, str],
    inside: str = "",
) -> Part:
    """A transformer in OpenCLIP's layout. ends: the names outside its layers; inside: what the library's have
    before them."""
    layers = counted(header.under(prefix), "transformer.resblocks")
    names = dict(ends)
    for layer in range(layers):
        theirs, ours = f"transformer.resblocks.{layer}", f"{inside}encoder.layers.{layer}"
        names |= {f"{theirs}.{key}": f"{ours}.{name}" for key, name in OPEN_CLIP_LAYER.items()}
    found = part(title, build, header, prefix, names, "text")
    sources = dict(found.sources)
    pieces = {name: Piece(transposed=True) for name in sources if name.endswith("_projection.weight")}
    surplus = set(found.surplus) - {f"{prefix}logit_scale", f"{prefix}attn_mask"}
    for layer, kind in product(range(layers), ("weight", "bias")):
        key = f"{prefix}transformer.resblocks.{layer}.attn.in_proj_{kind}"
        for index, name in enumerate(("q_proj", "k_proj", "v_proj")):
            ours = f"{inside}encoder.layers.{layer}.self_attn.{name}.{kind}"
            sources[ours], pieces[ours] = key, Piece(index, 3)
        surplus.discard(key)
    return replace(found, sources=sources, pieces=pieces, surplus=tuple(sorted(surplus)))


def clip_config(header: Header, shapes: Shapes, layers: int, inner: int) -> dict[str, object]:
    """The library's settings for a text transformer, but for its activation."""
    words, width = shapes.get("embeddings.token_embedding.weight", (0, 0))
    return {
        "vocab_size": words,
        "hidden_size": width,
        "intermediate_size": inner or 4 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": text_heads(header, width),
        "max_position_embeddings": shapes.get("embeddings.position_embedding.weight", (77,))[0],
        "bos_token_id": 49406,
        "eos_token_id": 49407,
        "pad_token_id": 49407,
    }


def text_heads(header: Header, width: int) -> int:
    """The number of attention heads of a text encoder: 64 wide each, unless the metadata knows better."""
    return header.number("text.num_heads", max(1, width // 64))
