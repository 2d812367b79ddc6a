"""Train a LoRA that needs four steps and no guidance: latent consistency distillation.

From any point of a guided path to the picture, the network learns to name the path's end.
Song et al. 2023 (arXiv:2303.01469), Luo et al. 2023 (arXiv:2310.04378, arXiv:2311.05556).
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from tools.bundled_models import diffusion_loss, words
from tools.bundled_models.networks import END, LENGTH, START, Base
from tools.bundled_models.sampling import GUIDANCE, clean_latent
from tools.bundled_models.shards import Stream
from tools.bundled_models.train_base import small_text
from tools.bundled_models.train_lora import LowRank, attached, layers
from tools.bundled_models.training import Run

RANK = 16
GRID = 25
"""Into how many pieces a path is cut; its ends are learnt from piece to piece, from the clean end on."""


def train(
    base: Base,
    stream: Stream,
    state: Path,
    minutes: float,
    rate: float = 1e-3,
    batch: int = 24,
    report: Callable[[str], None] = print,
) -> dict[str, LowRank]:
    """Train for a number of minutes; gives back what each layer of the U-Net gets."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    text = small_text(base.text).to(device).requires_grad_(False)
    unet = base.unet.to(device).requires_grad_(False)
    share = diffusion_loss.alphas()
    grid = torch.linspace(0, 999, GRID + 1).round().long()
    added = {name: LowRank(layer, RANK).to(device) for name, layer in layers(unet).items()}
    unsaid = words.compact(torch.tensor([[START] + [END] * (LENGTH - 1)])).expand(batch, -1).to(device)

    def noise_in(x: Tensor, times: Tensor, context: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            found: Tensor = unet(x.to(device), times.to(device), context).sample
        return found.float().cpu()

    @torch.no_grad()
    def path_end(x: Tensor, later: Tensor, sooner: Tensor, both: Tensor) -> Tensor:
        """One guided step of the teacher, from there the student's own end."""
        without, said = noise_in(torch.cat([x, x]), later.repeat(2), both).chunk(2)
        error = without + GUIDANCE * (said - without)
        clean = clean_latent(x, error, share[later])
        y = diffusion_loss.noised(clean, error, sooner, share)
        with attached(unet, added):
            end = clean_latent(y, noise_in(y, sooner, both.chunk(2)[1]), share[sooner])
        return torch.where(sooner.view(-1, 1, 1, 1) == 0, clean, end)

    def one_loss() -> Tensor:
        places = stream.batch(batch)
        latents, tokens = stream.shard.latents[places].float(), stream.shard.tokens[places].long()
        piece = 1 + diffusion_loss.spread_times(batch) * GRID // 1000
        later, sooner = grid[piece], grid[piece - 1]
        x = diffusion_loss.noised(latents, torch.randn_like(latents), later, share)
        with torch.autocast(device.type, torch.bfloat16):
            both = text(torch.cat([unsaid, tokens.to(device)])).last_hidden_state
        wanted = path_end(x, later, sooner, both)
        with attached(unet, added):
            said = clean_latent(x, noise_in(x, later, both.chunk(2)[1]), share[later])
        return smooth_l1_loss(said, wanted, beta=0.1)

    run = Run(
        [weight for change in added.values() for weight in change.parameters()], state, minutes, rate, 0.99
    )
    run.train(one_loss, report)
    run.use_averaged()
    base.unet.cpu().requires_grad_(True)
    return {name: change.cpu() for name, change in added.items()}
