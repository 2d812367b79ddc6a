"""Train a ControlNet on the frozen base: its hint is the picture's edges, or the place of its objects.

Zhang et al. 2023 (arXiv:2302.05543).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch
from diffusers import ControlNetModel
from diffusers.models.attention_processor import AttnProcessor
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from diffusion.blocks import control_names
from diffusion.canny import canny
from tools.bundled_models import diffusion_loss, networks, words
from tools.bundled_models.networks import CONTROL_PREFIX, END, LENGTH, METADATA, START, UNET, Base
from tools.bundled_models.shards import Stream
from tools.bundled_models.train_base import small_text
from tools.bundled_models.training import Run

Hint = Literal["edges", "mask"]
LOW, HIGH = 0.1, 0.3
"""Thresholds of the edge detector."""
UNSAID = 0.5
"""How many captions are left out, so that the hint has to say the shape."""


def hints(kind: Hint, images: Tensor, masks: Tensor) -> Tensor:
    """White on black [count, 3, h, w]; from images [count, h, w, 3] and masks [count, h, w], uint8."""
    if kind == "mask":
        return (masks > 127).float()[:, None].expand(-1, 3, -1, -1)
    return torch.as_tensor(canny(images.float() / 255, LOW, HIGH)).movedim(-1, 1)


def untrained(base: Base) -> ControlNetModel:
    """A copy of the U-Net's encoder. Its outlets start small rather than at zero, and so learn sooner."""
    control = ControlNetModel.from_unet(base.unet)
    if not torch.cuda.is_available():
        control.set_attn_processor(AttnProcessor())
    outlets: list[nn.Module] = [
        *control.controlnet_down_blocks,
        control.controlnet_mid_block,
        control.controlnet_cond_embedding.conv_out,
    ]
    for outlet in outlets:
        nn.init.normal_(outlet.weight, std=0.01)
    return control


def begun(base: Base, path: Path | None) -> ControlNetModel:
    """The ControlNet of a file, to go on from; a new one if there is none."""
    control = untrained(base)
    if path is not None and path.is_file():
        networks.fill(control, load_file(path), CONTROL_PREFIX, control_names(UNET))
    return control


def train(
    base: Base,
    kind: Hint,
    control: ControlNetModel,
    stream: Stream,
    state: Path,
    minutes: float,
    rate: float = 8e-4,
    batch: int = 24,
    report: Callable[[str], None] = print,
) -> ControlNetModel:
    """Train for a number of minutes on shards with images; gives back the averaged network."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    text = small_text(base.text).to(device).requires_grad_(False)
    unet = base.unet.to(device).requires_grad_(False)
    control = control.to(device).train()
    share = diffusion_loss.alphas()
    unsaid = words.compact(torch.tensor([START] + [END] * (LENGTH - 1)))

    def one_loss() -> Tensor:
        places = stream.batch(batch)
        shard = stream.shard
        latents, tokens = shard.latents[places].float(), shard.tokens[places].long()
        tokens[torch.rand(batch) < UNSAID] = unsaid
        hint = hints(kind, shard.images[places], shard.masks[places]).to(device)
        times, noise = diffusion_loss.spread_times(batch), torch.randn_like(latents)
        x = diffusion_loss.noised(latents, noise, times, share).to(device)
        with torch.autocast(device.type, torch.bfloat16):
            context = text(tokens.to(device)).last_hidden_state
            down, middle = control(x, times.to(device), context, controlnet_cond=hint, return_dict=False)
            predicted = unet(
                x,
                times.to(device),
                context,
                down_block_additional_residuals=down,
                mid_block_additional_residual=middle,
            ).sample
        return diffusion_loss.loss(predicted, noise.to(device), times.to(device), share.to(device))

    run = Run(list(control.parameters()), state, minutes, rate, average=0.995)
    run.train(one_loss, report)
    run.use_averaged()
    base.unet.cpu().requires_grad_(True)
    return control.cpu().eval()


def save(control: ControlNetModel, path: Path, hint: Hint) -> None:
    """Write a ControlNet of original layout, float16."""
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {"unet.num_heads": METADATA["unet.num_heads"], "control.hint": hint}
    save_file(networks.original(control, CONTROL_PREFIX, control_names(UNET)), path, metadata=about)
