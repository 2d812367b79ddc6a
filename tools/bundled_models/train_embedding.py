"""Find word vectors that make the frozen base paint something it has no word for: textual inversion.

Gal et al. 2022 (arXiv:2208.01618).
"""

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tools.bundled_models import diffusion_loss, networks, words
from tools.bundled_models.networks import Base, half
from tools.bundled_models.shards import Shard
from tools.bundled_models.training import Run

VECTORS = 2
PLACEHOLDER = networks.START - 2
"""A word piece that nobody writes; it stands for each vector in the captions of training."""


def place_captions(captions: list[str], word: str) -> Tensor:
    """Tokens [count, 77] of captions in which a word is replaced by placeholders."""
    rows = []
    for caption in captions:
        before, _, after = caption.partition(word)
        row = [
            networks.START,
            *words.ids(before),
            *[PLACEHOLDER] * VECTORS,
            *words.ids(after),
        ]
        rows.append(row + [networks.END] * (networks.LENGTH - len(row)))
    return torch.tensor(rows)


def train(
    base: Base,
    shard: Shard,
    start: str,
    state: Path,
    minutes: float,
    rate: float = 5e-3,
    batch: int = 16,
    report: Callable[[str], None] = print,
) -> Tensor:
    """Vectors [VECTORS, width] after a number of minutes; they begin as the words `start`.

    The shard's tokens are those of `place_captions`, not places in the trained table.
    """
    unet, text = base.unet.requires_grad_(False), base.text.requires_grad_(False)
    table: Tensor = text.get_input_embeddings().weight.detach()
    begin = [*words.ids(start), *[words.ids(start)[-1]] * VECTORS][:VECTORS]
    vectors = nn.Parameter(table[begin] + 0.1 * table[begin].std() * torch.randn(VECTORS, table.shape[1]))
    share = diffusion_loss.alphas()

    def with_vectors(_module: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> Tensor:
        places = given[0] == PLACEHOLDER
        return made.masked_scatter(places[..., None], vectors.repeat(len(made), 1).to(made.dtype))

    hook = text.get_input_embeddings().register_forward_hook(with_vectors)

    def one_loss() -> Tensor:
        places = torch.randint(0, len(shard), (batch,))
        latents = shard.latents[places].float()
        times, noise = diffusion_loss.spread_times(batch), torch.randn_like(latents)
        x = diffusion_loss.noised(latents, noise, times, share)
        context = text(shard.tokens[places]).last_hidden_state
        with torch.autocast("cpu", torch.bfloat16):
            predicted = unet(x, times, context).sample
        return diffusion_loss.loss(predicted, noise, times, share)

    run = Run([vectors], state, minutes, rate, average=0.98)
    run.train(one_loss, report)
    run.use_averaged()
    hook.remove()
    return vectors.detach()


def save(vectors: Tensor, path: Path) -> None:
    """Write an embedding under the key that textual inversion files have."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"emb_params": half(vectors)}, path)
