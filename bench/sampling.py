"""What our sampling costs beside a plain loop that calls a network of the diffusers library as it comes.

    python -m bench.sampling [--without-full-size]

The bundled model; a network that does nothing, so that all time is ours; and a full-size Stable Diffusion 1.5
U-Net with random weights at 512x512, whose file of 1.7 GB lies in the temporary folder for that long.
"""

import copy
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
from diffusion.encode import encode
from diffusion.guidance import cfg
from diffusion.library import ModelLibrary
from diffusion.memory import Memory
from diffusion.model import Model
from diffusion.noise import RunNoise
from diffusion.sample import Guider, Job, sample
from diffusion.samplers import SAMPLERS
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
        idle = replace(job.model, network=Nothing(job.model.network.memory))
        nothing = replace(job, guider=replace(job.guider, model=idle))
        taken = least(per_step(nothing) for _ in range(5))
        yield Figure("around a network that does nothing: wall per step", taken.wall * 1e3, "ms")
        yield Figure("around a network that does nothing: CPU per step", taken.cpu * 1e3, "ms")
        yield from each_sampler(nothing, idle.network.module)
        if "--without-full-size" not in sys.argv:
            yield from full_size()


def each_sampler(nothing: Job, network: "Idle") -> Iterator[Figure]:
    """For each kind of noise the dearest sampler, per call of the network; some make several in a step."""
    dearest: dict[str, tuple[float, str]] = {}
    for name, sampler in SAMPLERS.items():
        job, before = replace(nothing, sampler=sampler), network.calls
        sample(job, watch)
        calls = network.calls - before
        taken = least(cost(lambda job=job: sample(job, watch)) for _ in range(3)).cpu / calls
        dearest[sampler.draws] = max(dearest.get(sampler.draws, (0.0, "")), (taken, name))
    for kind, (taken, name) in dearest.items():
        yield Figure(f"around a call that does nothing, {kind} noise, {name}: CPU", taken * 1e3, "ms")


def full_size() -> Iterator[Figure]:
    """The network people use, with weights that mean nothing."""
    with tempfile.TemporaryDirectory() as folder:
        write_full_size(Path(folder) / "full.safetensors")
        memory = Memory(precision=PRECISION)
        library = ModelLibrary({"checkpoints": [Path(folder)]}, memory)
        job = random_job(library.checkpoint("full.safetensors").model)
        with job.model.network.resident():
            yield Figure("full size: memory of the weights", memory.used_bytes / 1e9, "GB")
        sample(job, watch)
        yield Figure("full size: peak memory, with the mapped file", peak_bytes() / 1e9, "GB")
        yield from beside_plain("full size, 512x512", job, 1)
        yield from in_bfloat16("full size, 512x512", job)


def beside_plain(name: str, job: Job, times: int) -> Iterator[Figure]:
    """Our steps and those of the plain loop, which must come to the same picture."""
    unet = as_it_comes(job)
    torch.testing.assert_close(sample(job, watch).samples, plain(job, unet), rtol=1e-3, atol=1e-3)
    steps = len(job.sigmas) - 1
    pairs = [(per_step(job), divided(cost(lambda: plain(job, unet)), steps)) for _ in range(times)]
    ours, theirs = (least(column) for column in zip(*pairs, strict=True))  # in turn: machines have moods
    yield Figure(f"{name}: wall per step", ours.wall * 1e3, "ms")
    yield Figure(f"{name}: CPU per step", ours.cpu * 1e3, "ms")
    yield Figure(f"{name}: CPU per step of the plain loop", theirs.cpu * 1e3, "ms")
    yield Figure(f"{name}: wall beside the plain loop", ours.wall / theirs.wall, "x")
    yield Figure(f"{name}: CPU beside the plain loop", ours.cpu / theirs.cpu, "x")


def in_bfloat16(name: str, job: Job) -> Iterator[Figure]:
    """What the processor's bfloat16 units save, where it has them: they are used unless float32 is chosen."""
    memory = job.model.network.memory
    if not memory.has_bfloat16:
        return
    slow = per_step(job)
    memory.evict_idle()
    memory.evict_idle()
    memory.precision = "auto"
    sample(job, watch)
    fast = per_step(job)
    yield Figure(f"{name}, bfloat16: CPU per step", fast.cpu * 1e3, "ms")
    yield Figure(f"{name}: CPU in float32 beside bfloat16", slow.cpu / fast.cpu, "x")


def as_it_comes(job: Job) -> nn.Module:
    """The network with the library's own attention and its weights laid out as in the file."""
    from diffusers.models.attention_processor import AttnProcessor2_0

    with job.model.network.resident() as module:
        unet = copy.deepcopy(module).to(memory_format=torch.contiguous_format)
    unet.set_attn_processor(AttnProcessor2_0())
    return unet


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


def plain(job: Job, unet: nn.Module) -> Tensor:
    """Euler's method with guidance, as a script would write it."""
    tokens = torch.cat([prompts.entries[0].tokens for prompts in (*job.guider.wanted, *job.guider.unwanted)])
    generator = torch.Generator().manual_seed(job.noise.seed)
    x = torch.randn(job.latent.samples.shape, generator=generator) * (1 + job.sigmas[0] ** 2) ** 0.5
    for sigma, following in pairwise(job.sigmas):
        scaled = (x / (sigma**2 + 1) ** 0.5).repeat(2, 1, 1, 1)
        time = job.model.noise.timestep(sigma)
        wanted, unwanted = unet(scaled, time, encoder_hidden_states=tokens, return_dict=False)[0].chunk(2)
        x = x + (unwanted + CFG * (wanted - unwanted)) * (following - sigma)
    return x / job.model.family.latent.scale


def bundled(steps: int, cells: int) -> Job:
    """A run of the model that comes with the program."""
    library = ModelLibrary({"checkpoints": [PROGRAM / "models" / "checkpoints"]}, Memory(precision=PRECISION))
    model, text, _ = library.checkpoint("photogram.safetensors")
    wanted, unwanted = encode(text, "a red apple on a blue background"), encode(text, "")
    sigmas = SCHEDULES["sgm_uniform"](steps, model.noise)
    guider = Guider(model, (wanted,), (unwanted,), cfg(CFG))
    return Job(guider, Latent(torch.zeros(1, 4, cells, cells)), sigmas, noise=RunNoise(SEED))


def random_job(model: Model) -> Job:
    """Two steps of a full-size network, guided by noise."""
    generator = torch.Generator().manual_seed(SEED)
    wanted, unwanted = (
        Conditioning((Prompt(torch.randn(1, 77, 768, generator=generator), family=model.family.name),))
        for _ in range(2)
    )
    sigmas = SCHEDULES["sgm_uniform"](2, model.noise)
    guider = Guider(model, (wanted,), (unwanted,), cfg(CFG))
    return Job(guider, Latent(torch.zeros(1, 4, 64, 64)), sigmas, noise=RunNoise(SEED))


def peak_bytes() -> int:
    """The most memory the process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Idle(nn.Module):
    """A network that sees no noise."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.calls = 0

    def forward(self, x: Tensor, time: Tensor, **rest: object) -> tuple[Tensor]:  # noqa: ARG002
        """Zeros."""
        self.calls += 1
        return (torch.zeros_like(x),)


@dataclass(frozen=True)
class Nothing:
    """In place of a handle on weights: an idle network, always resident."""

    memory: Memory
    module: Idle = field(default_factory=Idle)

    @contextmanager
    def resident(self, patches: object = ()) -> Iterator[nn.Module]:  # noqa: ARG002
        """The network."""
        yield self.module


if __name__ == "__main__":
    show(figures())
