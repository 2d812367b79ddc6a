"""Stable Diffusion 1: a U-Net that reads CLIP-L's last layer; also smaller networks of that layout."""

from collections.abc import Callable, Mapping
from functools import partial

from torch import nn

from diffusion import networks
from diffusion.blocks import (
    Shapes,
    UnetShape,
    VaeShape,
    control_names,
    counted,
    read_library_unet_shape,
    read_unet_shape,
    read_vae_shape,
    translated,
    unet_names,
    vae_names,
)
from diffusion.checkpoint import Header, Kind, Part
from diffusion.errors import BrokenFile
from diffusion.family import Family, LatentFormat, Parts
from diffusion.prediction import EPSILON, VELOCITY, NoiseRange, Prediction, linear_betas, zero_terminal_snr

UNET_PREFIXES = ("model.diffusion_model.", "model.", "")
TEXT_PREFIXES = ("cond_stage_model.transformer.text_model.", "cond_stage_model.transformer.", "text_model.")
VAE_PREFIXES = ("first_stage_model.", "vae.")
CONTROL_PREFIXES = ("control_model.", "")


def refuses(header: Header) -> str | None:
    """Why a file is not of this family, or None."""
    shapes = under_first(header, UNET_PREFIXES, "input_blocks.0.0.weight")[1]
    if not shapes:
        return "it has no U-Net (input_blocks.0.0.weight is missing)"
    if "label_emb.0.0.weight" in shapes:
        return "its U-Net takes a vector besides the prompt (label_emb)"
    shape = read_unet_shape(shapes)
    if shape is None or not shape.middle_depth:
        return "its U-Net has no attention to a prompt"
    if shape.context == 1024 or any(key.startswith("cond_stage_model.model.") for key in header.entries):
        return f"its U-Net reads a prompt of width {shape.context}, as Stable Diffusion 2 does"
    return None


def parts(header: Header) -> Parts:
    """The networks in a file."""
    return Parts(network_part(header), text_part(header), vae_part(header))


def network_part(header: Header) -> Part | None:
    """The U-Net of a file."""
    prefix, shapes = under_first(header, UNET_PREFIXES, "input_blocks.0.0.weight")
    shape = read_unet_shape(shapes)
    if shape is None:
        return None
    build = partial(networks.unet, unet_config(header, shape))
    return part("diffusion model", build, header, prefix, unet_names(shape))


def vae_part(header: Header) -> Part | None:
    """The VAE of a file."""
    prefix, shapes = under_first(header, VAE_PREFIXES, "decoder.conv_in.weight")
    shape = read_vae_shape(shapes)
    if shape is None:
        return None
    build = partial(networks.autoencoder, vae_config(header, shape))
    return part("VAE", build, header, prefix, vae_names(shape), "vae")


def text_part(header: Header) -> Part | None:
    """The text encoder of a file."""
    prefix, shapes = under_first(header, TEXT_PREFIXES, "embeddings.token_embedding.weight")
    if not shapes:
        return None
    words, width = shapes["embeddings.token_embedding.weight"]
    config = {
        "vocab_size": words,
        "hidden_size": width,
        "intermediate_size": shapes.get("encoder.layers.0.mlp.fc1.weight", (4 * width,))[0],
        "num_hidden_layers": counted(shapes, "encoder.layers"),
        "num_attention_heads": text_heads(header, width),
        "max_position_embeddings": shapes.get("embeddings.position_embedding.weight", (77,))[0],
        "hidden_act": "quick_gelu",
        "bos_token_id": 49406,
        "eos_token_id": 49407,
        "pad_token_id": 49407,
    }
    build = partial(networks.clip_text, config)
    same = {"embeddings": "embeddings", "encoder": "encoder", "final_layer_norm": "final_layer_norm"}
    return part("text encoder", build, header, prefix, same, "text")


def control_part(header: Header) -> Part | None:
    """The ControlNet in a file of original or library names; None if there is none."""
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
    if (
        shape is None
        or shape.context == 1024
        or any("label_emb" in key or "add_embedding" in key for key in shapes)
    ):
        return None
    config = unet_config(header, shape)
    for only_unet in ("out_channels", "up_block_types", "sample_size"):
        del config[only_unet]
    config |= {"layers_per_block": shape.blocks[0], "conditioning_embedding_out_channels": hint}
    return part(
        "ControlNet", partial(networks.control_net, config), header, prefix, names or control_names(shape)
    )


def sampling(header: Header) -> tuple[Prediction, NoiseRange]:
    """What the network predicts: noise, unless the file's metadata or a marker tensor says velocity."""
    is_velocity = header.has("v_pred") or header.metadata.get("prediction_type", "") in ("v", "v_prediction")
    noise = linear_betas()
    return VELOCITY if is_velocity else EPSILON, zero_terminal_snr(noise) if header.has("ztsnr") else noise


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


def text_heads(header: Header, width: int) -> int:
    """The number of attention heads of a text encoder: 64 wide each, unless the metadata knows better."""
    return header.number("text.num_heads", max(1, width // 64))


def unet_config(header: Header, shape: UnetShape) -> dict[str, object]:
    """The library's settings for a U-Net of that shape. SD1 has 8 heads everywhere."""
    if shape.depths[-1] not in (0, shape.middle_depth):
        raise BrokenFile(f"{header.name} has a U-Net whose middle does not fit its coarsest level.")
    down = tuple("CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in shape.depths)
    up = tuple("CrossAttnUpBlock2D" if depth else "UpBlock2D" for depth in reversed(shape.depths))
    return {
        "sample_size": 64,
        "in_channels": shape.in_channels,
        "out_channels": 4,
        "block_out_channels": shape.channels,
        "layers_per_block": shape.blocks,
        "down_block_types": down,
        "up_block_types": up,
        "transformer_layers_per_block": tuple(depth or shape.middle_depth for depth in shape.depths),
        "cross_attention_dim": shape.context,
        "attention_head_dim": header.number("unet.num_heads", 8),  # the library's name for how many heads
        "norm_num_groups": header.number("unet.norm_groups", 32),
        "use_linear_projection": shape.linear,
    }


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
        "norm_num_groups": header.number("vae.norm_groups", 32),
    }


SD15 = Family(
    name="sd15",
    title="Stable Diffusion 1",
    latent=LatentFormat(channels=4, downscale=8, scale=0.18215),
    refuses=refuses,
    parts=parts,
    sampling=sampling,
    control=control_part,
    preview=(
        (0.3512, 0.2297, 0.3227),
        (0.3250, 0.4974, 0.2350),
        (-0.2829, 0.1762, 0.2721),
        (-0.2120, -0.2616, -0.7177),
    ),
)
