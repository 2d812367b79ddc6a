"""Train the U-Net and the text encoder of the base on composed pictures.

Ho et al. 2020 (arXiv:2006.11239), Rombach et al. 2022 (arXiv:2112.10752).
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from transformers import CLIPTextModel

from tools.bundled_models import diffusion_loss, networks, words
from tools.bundled_models.networks import END, LENGTH, START, Base
from tools.bundled_models.shards import Stream
from tools.bundled_models.training import Run

NEUTRAL = START - 1
"""The last word piece of the table, which nobody writes: it means nothing, as every untrained one."""
UNSAID = 0.1
"""How many captions are left out, so that guidance has something to compare with."""


def small_text(text: CLIPTextModel, apart: bool = False) -> CLIPTextModel:
    """The text encoder with only the trained part of its token table.

    With `apart`, words that all meant the same get rows of their own, to be trained.
    """
    kept = words.trained()
    table = text.get_input_embeddings().weight.detach()
    small = networks.untrained(len(kept)).text
    weights = text.state_dict()
    (name,) = (key for key in weights if key.endswith("token_embedding.weight"))
    rows = table[kept].clone()
    if apart:
        new = (rows == table[NEUTRAL]).all(1)
        rows[new] += torch.randn(int(new.sum()), rows.shape[1]) * rows[~new].std()
    small.load_state_dict(weights | {name: rows})
    return small


@torch.no_grad()
def write_back(small: CLIPTextModel, text: CLIPTextModel) -> None:
    """Put the trained rows and layers into the whole text encoder; other words get the mean: nothing."""
    weights, trained = text.state_dict(), small.state_dict()
    (name,) = (key for key in weights if key.endswith("token_embedding.weight"))
    rows = trained.pop(name)
    table = rows.mean(0, keepdim=True).repeat(len(weights[name]), 1)
    table[words.trained()] = rows
    text.load_state_dict(trained | {name: table})


def train(
    base: Base,
    stream: Stream,
    state: Path,
    minutes: float,
    rate: float = 1e-3,
    batch: int = 48,
    report: Callable[[str], None] = print,
) -> None:
    """Train for a number of minutes; the base then has the averaged weights."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    text = small_text(base.text, apart=True).to(device).train()
    unet = base.unet.to(device).train()
    share = diffusion_loss.alphas()
    unsaid = words.compact(torch.tensor([START] + [END] * (LENGTH - 1)))

    def one_loss() -> Tensor:
        places = stream.batch(batch)
        latents, tokens = stream.shard.latents[places].float(), stream.shard.tokens[places].long()
        tokens[torch.rand(batch) < UNSAID] = unsaid
        times, noise = diffusion_loss.spread_times(batch), torch.randn_like(latents)
        x = diffusion_loss.noised(latents, noise, times, share)
        with torch.autocast(device.type, torch.bfloat16):
            context = text(tokens.to(device)).last_hidden_state
            predicted = unet(x.to(device), times.to(device), context).sample
        return diffusion_loss.loss(predicted, noise.to(device), times.to(device), share.to(device))

    run = Run([*unet.parameters(), *text.parameters()], state, minutes, rate)
    run.train(one_loss, report)
    run.use_averaged()
    write_back(text.cpu(), base.text)
    base.unet.cpu().eval()
