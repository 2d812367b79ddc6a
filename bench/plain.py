"""A full-size model with random weights, run by a pipeline of the diffusers library: time and peak memory.

    python -m bench.plain [--xl]

In a process of its own, because peak memory never falls; `bench.sampling` calls it. Stable Diffusion 1.5 at
512x512, two steps; with `--xl` SDXL at 1024x1024, one step. In float32, from a file in float16, as the
library does it by itself: all but the memory it is measured beside is read from that file.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from bench.figures import Figure, cost, peak_bytes, show
from bench.weights import FULL_CONFIG, XL_CONFIG, write_full_size

CFG, SEED = 4.5, 5


def figures() -> Iterator[Figure]:
    """What a step costs, and the most memory the process ever had."""
    is_xl = "--xl" in sys.argv
    with tempfile.TemporaryDirectory() as folder:
        pipeline, inputs = prepared(Path(folder), is_xl)
        pipeline.set_progress_bar_config(disable=True)
        steps = inputs["num_inference_steps"]
        pipeline(**inputs | {"num_inference_steps": 1, "height": 64, "width": 64})
        taken = cost(lambda: pipeline(**inputs))
        yield Figure("CPU per step", taken.cpu / steps * 1e3, "ms")
        yield Figure("peak memory", peak_bytes() / 1e9, "GB")


def prepared(folder: Path, is_xl: bool) -> tuple:
    """A pipeline with the network of a file, and what it is to make."""
    from diffusers import (
        EulerDiscreteScheduler,
        StableDiffusionPipeline,
        StableDiffusionXLPipeline,
        UNet2DConditionModel,
    )

    config = XL_CONFIG if is_xl else FULL_CONFIG
    with torch.device("meta"):
        UNet2DConditionModel(**config).save_config(folder)
    write_full_size(folder / "diffusion_pytorch_model.safetensors", is_xl, original=False)
    unet = UNet2DConditionModel.from_pretrained(folder, torch_dtype=torch.float32)
    rest = dict.fromkeys(("vae", "text_encoder", "tokenizer", "feature_extractor"))
    if is_xl:
        rest |= dict.fromkeys(("text_encoder_2", "tokenizer_2"))
        pipeline = StableDiffusionXLPipeline(unet=unet, scheduler=EulerDiscreteScheduler(), **rest)
    else:
        rest |= {"safety_checker": None, "requires_safety_checker": False}
        pipeline = StableDiffusionPipeline(unet=unet, scheduler=EulerDiscreteScheduler(), **rest)
    random = torch.Generator().manual_seed(SEED)
    side, steps = (1024, 1) if is_xl else (512, 2)
    width = config["cross_attention_dim"]
    names = ("prompt_embeds", "negative_prompt_embeds")
    inputs = {name: torch.randn(1, 77, width, generator=random) for name in names}
    if is_xl:
        inputs |= {f"{name.replace('prompt', 'pooled_prompt')}": torch.randn(1, 1280) for name in names}
    inputs |= {"height": side, "width": side, "num_inference_steps": steps, "guidance_scale": CFG}
    return pipeline, inputs | {"output_type": "latent", "generator": random}


def measured(is_xl: bool) -> dict[str, float]:
    """The figures by name, from a process of their own."""
    command = [sys.executable, "-m", "bench.plain", "--json", *(["--xl"] if is_xl else [])]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = [json.loads(text) for text in told.splitlines()]
    return {figure["name"]: figure["value"] for figure in found}


if __name__ == "__main__":
    show(figures())
