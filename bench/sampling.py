"""What our sampling costs beside a plain loop that calls the very same network of the diffusers library.

    python -m bench.sampling [--without-full-size]

The bundled model; a network that does nothing, so that all time is ours; and a full-size Stable Diffusion 1.5
U-Net with random weights at 512x512, whose file of 1.7 GB lies in the temporary folder for that long.
"""

import resource
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.figures import Cost, Figure, cost, show
from bench.weights import write_full_size
from diffusion.checkpoint import WeightFile
from diffusion.encode import encode
from diffusion.families.sd15 import SD15
from diffusion.library import ModelLibrary
from diffusion.memory import Handle, Memory
from diffusion.model import Model
from diffusion.sample import Job, sample
from diffusion.schedules import SCHEDULES
from diffusion.values import Conditioning, Latent, Prompt

PROGRAM = Path(__file__).resolve().parent.parent
CFG, SEED = 4.5, 5
PRECISION = "float32"


def figures() -> Iterator[Figure]:
    """Each network in turn; the largest comes last, because the peak of memory never falls."""
    with torch.inference_mode():
        job = bundled(steps=24, cells=16)
        sample(job, watch)  # imports the libraries and loads the weights
        yield from beside_plain("bundled model, 128x128", job, 6)
        yield Figure("bundled model: peak memory", peak_bytes() / 1e6, "MB")
        nothing = replace(job, model=replace(job.model, network=Nothing(job.model.network.memory)))
        taken = least(per_step(nothing) for _ in range(5))
        yield Figure("around a network that does nothing: wall per step", taken.wall * 1e3, "ms")
        yield Figure("around a network that does nothing: CPU per step", taken.cpu * 1e3, "ms")
        if "--without-full-size" not in sys.argv:
            yield from full_size()


def full_size() -> Iterator[Figure]:
    """The network people use, with weights that mean nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "full.safetensors"
        write_full_size(path)
        memory = Memory(precision=PRECISION)
        job = random_job(WeightFile(path), memory)
        with job.model.network.resident():
            yield Figure("full size: memory of the weights", memory.used_bytes / 1e9, "GB")
        yield from beside_plain("full size, 512x512", job, 1)
        yield Figure("full size: peak memory, with the mapped file", peak_bytes() / 1e9, "GB")


def beside_plain(name: str, job: Job, times: int) -> Iterator[Figure]:
    """Our steps and those of the plain loop, which must come to the same picture."""
    torch.testing.assert_close(sample(job, watch).samples, plain(job), rtol=1e-3, atol=1e-3)
    pairs = [(per_step(job), divided(cost(lambda: plain(job)), len(job.sigmas) - 1)) for _ in range(times)]
    ours, theirs = (least(column) for column in zip(*pairs, strict=True))  # in turn: machines have moods
    yield Figure(f"{name}: wall per step", ours.wall * 1e3, "ms")
    yield Figure(f"{name}: CPU per step", ours.cpu * 1e3, "ms")
    yield Figure(f"{name}: CPU per step of the plain loop", theirs.cpu * 1e3, "ms")
    yield Figure(f"{name}: wall beside the plain loop", ours.wall / theirs.wall, "x")
    yield Figure(f"{name}: CPU beside the plain loop", ours.cpu / theirs.cpu, "x")


def per_step(job: Job) -> Cost:
    """What one step costs with everything around it."""
    return divided(cost(lambda: sample(job, watch)), len(job.sigmas) - 1)


def least(costs: Iterable[Cost]) -> Cost:
    """The least of each kind."""
    walls, cpus = zip(*((each.wall, each.cpu) for each in costs), strict=True)
    return Cost(min(walls), min(cpus))


def divided(whole: Cost, steps: int) -> Cost:
    """The share of one step."""
    return Cost(whole.wall / steps, whole.cpu / steps)


def watch(done: int, total: int, preview: object = None) -> None:
    """Somebody who is told of everything and says nothing."""


def plain(job: Job) -> Tensor:
    """Euler's method with guidance, as a script would write it."""
    tokens = torch.cat([job.positive.entries[0].tokens, job.negative.entries[0].tokens])
    generator = torch.Generator().manual_seed(job.seed)
    x = torch.randn(job.latent.samples.shape, generator=generator) * (1 + job.sigmas[0] ** 2) ** 0.5
    with job.model.network.resident() as unet:
        for sigma, following in pairwise(job.sigmas):
            scaled = (x / (sigma**2 + 1) ** 0.5).repeat(2, 1, 1, 1)
            time = job.model.noise.timestep(sigma)
            wanted, unwanted = unet(scaled, time, encoder_hidden_states=tokens, return_dict=False)[0].chunk(2)
            x = x + (unwanted + job.cfg * (wanted - unwanted)) * (following - sigma)
    return x / SD15.latent.scale


def bundled(steps: int, cells: int) -> Job:
    """A run of the model that comes with the program."""
    library = ModelLibrary({"checkpoints": [PROGRAM / "models" / "checkpoints"]}, Memory(precision=PRECISION))
    model, text, _ = library.checkpoint("photogram.safetensors")
    wanted, unwanted = encode(text, "a red apple on a blue background"), encode(text, "")
    sigmas = SCHEDULES["sgm_uniform"](steps, model.noise)
    return Job(model, wanted, unwanted, Latent(torch.zeros(1, 4, cells, cells)), sigmas, "euler", CFG, SEED)


def random_job(file: WeightFile, memory: Memory) -> Job:
    """Two steps of a full-size network, guided by noise."""
    part = SD15.parts(file.header).network
    assert part is not None
    prediction, noise = SD15.sampling(file.header)
    model = Model(SD15, noise, prediction, Handle(part, file, memory))
    generator = torch.Generator().manual_seed(SEED)
    wanted, unwanted = (
        Conditioning((Prompt(torch.randn(1, 77, 768, generator=generator), family=SD15.name),))
        for _ in range(2)
    )
    sigmas = SCHEDULES["sgm_uniform"](2, noise)
    return Job(model, wanted, unwanted, Latent(torch.zeros(1, 4, 64, 64)), sigmas, "euler", CFG, SEED)


def peak_bytes() -> int:
    """The most memory the process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Idle(nn.Module):
    """A network that sees no noise."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, time: Tensor, **rest: object) -> tuple[Tensor]:  # noqa: ARG002
        """Zeros."""
        return (torch.zeros_like(x),)


@dataclass(frozen=True)
class Nothing:
    """In place of a handle on weights: an idle network, always resident."""

    memory: Memory
    module: nn.Module = field(default_factory=Idle)

    @contextmanager
    def resident(self, patches: object = ()) -> Iterator[nn.Module]:  # noqa: ARG002
        """The network."""
        yield self.module


if __name__ == "__main__":
    show(figures())
