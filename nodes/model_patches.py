"""Nodes that change what a diffusion model computes."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated

import torch

from diffusion.compiling import Backend, Compiled
from diffusion.fewer_tokens import HyperTile, TokenMerging
from diffusion.hooks import FreeU, Shrink
from diffusion.model import Model
from diffusion.resize import LATENT_METHODS
from graph.define import node
from graph.widgets import OneOf, Range

Factor = Annotated[float, Range(0.0, 10.0, step=0.01)]
Percent = Annotated[float, Range(0.0, 1.0, step=0.001)]
METHODS = ("bicubic", *(method for method in LATENT_METHODS if method != "bicubic"))
Method = Annotated[str, OneOf(METHODS)]
LEAST_TILE_PX = 32
NUMBERS: Mapping[str, torch.dtype | None] = MappingProxyType(
    {"default": None, "fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
)


@node("FreeU", category="model_patches/unet", outputs=("MODEL",))
def free_u(model: Model, b1: Factor = 1.1, b2: Factor = 1.2, s1: Factor = 0.9, s2: Factor = 0.2) -> Model:
    """Let a U-Net trust its depth more and its skips less, which often makes cleaner pictures.

    Args:
        model: The diffusion model.
        b1: How strong the deepest features are.
        b2: How strong those of the next level are.
        s1: How strong the low frequencies of the deepest skips are.
        s2: How strong those of the next level are.

    Returns:
        The changed model.
    """
    return model.with_hook(FreeU({4: (b1, s1), 2: (b2, s2)}, adaptive=False))


@node("FreeU_V2", category="model_patches/unet", outputs=("MODEL",))
def free_u_v2(model: Model, b1: Factor = 1.3, b2: Factor = 1.4, s1: Factor = 0.9, s2: Factor = 0.2) -> Model:
    """Let a U-Net trust its depth more and its skips less, most where much is to be seen.

    Args:
        model: The diffusion model.
        b1: How strong the deepest features are.
        b2: How strong those of the next level are.
        s1: How strong the low frequencies of the deepest skips are.
        s2: How strong those of the next level are.

    Returns:
        The changed model.
    """
    return model.with_hook(FreeU({4: (b1, s1), 2: (b2, s2)}, adaptive=True))


@node(
    "PatchModelAddDownscale",
    category="model_patches/unet",
    title="PatchModelAddDownscale (Kohya Deep Shrink)",
    outputs=("MODEL",),
)
def patch_model_add_downscale(
    model: Model,
    block_number: Annotated[int, Range(1, 32, step=1)] = 3,
    downscale_factor: Annotated[float, Range(0.1, 9.0, step=0.001)] = 2.0,
    start_percent: Percent = 0.0,
    end_percent: Percent = 0.35,
    downscale_after_skip: bool = True,
    downscale_method: Method = "bicubic",
    upscale_method: Method = "bicubic",
) -> Model:
    """Let a U-Net compose larger pictures than it learnt, by making them smaller inside at first.

    Args:
        model: The diffusion model.
        block_number: The block from which on the picture is smaller.
        downscale_factor: How many times as small.
        start_percent: The part of the sampling after which it acts, 0 from the beginning.
        end_percent: The part of the sampling until which it acts.
        downscale_after_skip: Show the decoder that block as it was.
        downscale_method: How values between cells are found when it becomes smaller.
        upscale_method: How they are found when it becomes larger again.

    Returns:
        The changed model.
    """
    first, last = map(model.noise.percent_to_sigma, (start_percent, end_percent))
    how = downscale_after_skip, downscale_method, upscale_method
    return model.with_hook(Shrink(block_number, downscale_factor, first, last, *how))


@node("HyperTile", category="model_patches/unet", title="HyperTile", outputs=("MODEL",))
def hyper_tile(
    model: Model,
    tile_size: Annotated[int, Range(1, 2048)] = 256,
    swap_size: Annotated[int, Range(1, 128)] = 2,
    max_depth: Annotated[int, Range(0, 10)] = 0,
    scale_depth: bool = False,
) -> Model:
    """Let a U-Net look at tiles of a large picture one by one where it looks closest, which is faster.

    Args:
        model: The diffusion model.
        tile_size: The shortest side of a tile, in pixels. Pictures smaller than two tiles are not cut.
        swap_size: Among how many sizes one is drawn each time, so that no seams show.
        max_depth: How many levels further in it acts; SDXL's outermost looks at nothing, so choose 1 there.
        scale_depth: Make tiles twice as large with each level.

    Returns:
        The changed model.
    """
    side = max(LEAST_TILE_PX, tile_size) // model.family.latent.downscale
    return model.with_hook(HyperTile(side, swap_size, max_depth, scale_depth))


@node("TomePatchModel", category="model_patches/unet", title="TomePatchModel", outputs=("MODEL",))
def merge_tokens(model: Model, ratio: Annotated[float, Range(0.0, 1.0, step=0.01)] = 0.3) -> Model:
    """Let a U-Net treat places that look alike as one where it looks closest, which is faster.

    Args:
        model: The diffusion model.
        ratio: Which part of the places is merged into others; three quarters at most are.

    Returns:
        The changed model.
    """
    return model.with_hook(TokenMerging(ratio))


@node("ModelComputeDtype", category="advanced/debug/model", title="ModelComputeDtype", outputs=("MODEL",))
def model_compute_dtype(model: Model, dtype: Annotated[str, OneOf(NUMBERS)] = "default") -> Model:
    """Say in which number format a diffusion model computes.

    Args:
        model: The diffusion model.
        dtype: The format; "default" leaves it as it is. fp32 is the most exact and the slowest.

    Returns:
        The model that computes so.
    """
    wanted = NUMBERS[dtype]
    return model if wanted is None else replace(model, network=model.network.computing_in(wanted))


@node("TorchCompileModel", category="_for_testing", experimental=True, outputs=("MODEL",))
def torch_compile_model(model: Model, backend: Backend = "inductor") -> Model:
    """Compile the network's repeated blocks: the first step takes a minute, each later one less time.

    What was compiled is kept in the data folder, so the wait is shorter the next time. A new size of picture
    is compiled anew. Where another node changes the inside of a block, that block runs as it would without.

    Args:
        model: The diffusion model.
        backend: inductor fuses the operations of a block; cudagraphs records them, for an NVIDIA GPU.

    Returns:
        The changed model.
    """
    return model.with_hook(Compiled(backend))
