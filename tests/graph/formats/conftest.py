"""Descriptions of a few nodes of the field, as the built-in nodes have them."""

import pytest

from graph.node import Input, NodeSpec, Option, Output, Widget


def socket(name: str, type: str, **more: object) -> Input:
    return Input(name, type, **more)


def whole(name: str) -> Input:
    return Input(name, "INT", Widget("number", low=0, high=10_000), 0)


SPECS = (
    NodeSpec(
        "CheckpointLoaderSimple",
        (Input("ckpt_name", "COMBO", Widget("file", folder="checkpoints")),),
        (Output("MODEL", "MODEL"), Output("CLIP", "CLIP"), Output("VAE", "VAE")),
        title="Load Checkpoint",
    ),
    NodeSpec(
        "CLIPTextEncode",
        (socket("clip", "CLIP"), Input("text", "STRING", Widget("text", multiline=True), "")),
        (Output("CONDITIONING", "CONDITIONING"),),
        title="CLIP Text Encode (Prompt)",
    ),
    NodeSpec(
        "KSampler",
        (
            socket("model", "MODEL"),
            socket("positive", "CONDITIONING"),
            socket("negative", "CONDITIONING"),
            socket("latent_image", "LATENT"),
            Input("seed", "INT", Widget("seed", low=0, high=2**64 - 1), 0),
            whole("steps"),
            Input("cfg", "FLOAT", Widget("number", low=0, high=100), 8.0),
            Input("sampler_name", "COMBO", Widget("choice", options=("euler", "ddim")), "euler"),
        ),
        (Output("LATENT", "LATENT"),),
        title="KSampler",
    ),
    NodeSpec("EmptyLatentImage", (whole("width"), whole("height")), (Output("LATENT", "LATENT"),)),
    NodeSpec("VAEDecode", (socket("samples", "LATENT"), socket("vae", "VAE")), (Output("IMAGE", "IMAGE"),)),
    NodeSpec(
        "SaveImage",
        (socket("images", "IMAGE"), Input("filename_prefix", "STRING", Widget("text"), "a")),
        terminal=True,
    ),
    NodeSpec(
        "LoadImage",
        (Input("image", "COMBO", Widget("file", folder="input", upload=True)),),
        (Output("IMAGE", "IMAGE"), Output("MASK", "MASK")),
    ),
    NodeSpec(
        "ResizeImageMaskNode",
        (
            socket("input", "IMAGE,MASK"),
            Input(
                "resize_type",
                "COMFY_DYNAMICCOMBO_V3",
                options=(Option("scale dimensions", (whole("width"), whole("height"))), Option("match size")),
            ),
            Input("scale_method", "COMBO", Widget("choice", options=("area", "lanczos")), "area"),
        ),
        (Output("resized", "IMAGE"),),
    ),
)


@pytest.fixture
def specs() -> dict[str, NodeSpec]:
    return {spec.type: spec for spec in SPECS}
