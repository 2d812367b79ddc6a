"""Train the small decoder of previews, in the layout of TAESD, and fit the colours of single latent cells."""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, relu

from tools.bundled_models.networks import half
from tools.bundled_models.shards import Codec, Stream
from tools.bundled_models.train_decoder import picture_loss
from tools.bundled_models.training import Run

WIDTH = 64


class Bounded(nn.Module):
    """Keeps latents within -3 and 3, softly."""

    def forward(self, x: Tensor) -> Tensor:
        """The same, bounded."""
        return torch.tanh(x / 3) * 3


class Block(nn.Module):
    """Three convolutions beside a straight path."""

    def __init__(self) -> None:
        super().__init__()
        convolutions = [nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in range(3)]
        self.conv = nn.Sequential(convolutions[0], nn.ReLU(), convolutions[1], nn.ReLU(), convolutions[2])
        with torch.no_grad():
            convolutions[2].weight.mul_(0.2)

    def forward(self, x: Tensor) -> Tensor:
        """Latents or pictures [count, 64, h, w] in between."""
        return relu(self.conv(x) + x)


def decoder() -> nn.Sequential:
    """From latents of unit variance [count, 4, h, w] to sRGB 0..1, [count, 3, 8 h, 8 w]."""
    parts: list[nn.Module] = [Bounded(), nn.Conv2d(4, WIDTH, 3, padding=1), nn.ReLU()]
    for _ in range(3):
        parts += [*(Block() for _ in range(3)), nn.Upsample(scale_factor=2)]
        parts += [nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False)]
    return nn.Sequential(*parts, Block(), nn.Conv2d(WIDTH, 3, 3, padding=1))


def train(
    stream: Stream,
    state: Path,
    minutes: float,
    rate: float = 1e-3,
    batch: int = 6,
    report: Callable[[str], None] = print,
) -> nn.Sequential:
    """Train for a number of minutes on shards with images."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = decoder().to(device).train()

    def one_loss() -> Tensor:
        places = stream.batch(batch)
        latents = stream.shard.latents[places].float()
        latents = latents + 0.1 * torch.rand(batch, 1, 1, 1) * torch.randn_like(latents)
        wanted = stream.shard.images[places].permute(0, 3, 1, 2).float() / 255
        mask = stream.shard.masks[places][:, None].float() / 255
        with torch.autocast(device.type, torch.bfloat16):
            made = network(latents.to(device))
        return picture_loss(made.float(), wanted.to(device), mask.to(device))

    run = Run(list(network.parameters()), state, minutes, rate, average=0.99)
    run.train(one_loss, report)
    run.use_averaged()
    return network.cpu().eval()


def save(network: nn.Sequential, path: Path) -> None:
    """Write the decoder with TAESD's key names, float16."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: half(weight) for key, weight in network.state_dict().items()}, path)


def cell_colours(codec: Codec, images: Tensor) -> str:
    """Latent-to-RGB factors as JSON: a row of three for each of the four channels, and a row that is added.

    Fitted by least squares to the mean colours of 8 x 8 cells, in -1..1; images uint8 [count, h, w, 3].
    """
    latents = codec.encode(list(images.numpy())).permute(0, 2, 3, 1).reshape(-1, 4)
    planes = images.permute(0, 3, 1, 2).float() / 127.5 - 1
    colours = avg_pool2d(planes, 8).permute(0, 2, 3, 1).reshape(-1, 3)
    known = torch.cat([latents, torch.ones(len(latents), 1)], 1)
    factors: Tensor = torch.linalg.lstsq(known, colours).solution
    return json.dumps([[round(value, 4) for value in row] for row in factors.tolist()])
