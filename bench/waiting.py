"""How often the sampling loop waits for the device: reads of what it computes, and copies that block.

    python -m bench.waiting

Counted on any machine, for every sampler on the bundled model: its tensors have no memory (torch's "meta"
device), so that nothing can be read from them but by the counter. On a GPU each of these waits holds the
program until all that was asked for is computed.
"""

import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from bench.figures import Figure, show
from bench.sampling import PROGRAM, bundled
from diffusion.library import ModelLibrary
from diffusion.memory import Memory
from diffusion.sample import Job, prepare
from diffusion.samplers import SAMPLERS

ANY = 0.5
"""What is read of a tensor without memory."""


def figures() -> Iterator[Figure]:
    """The waits of a step, for each sampler."""
    with torch.no_grad():
        job = bundled(steps=5, cells=16)
        library = ModelLibrary({"checkpoints": [PROGRAM / "models" / "checkpoints"]}, Memory("meta"))
        model = library.checkpoint("photogram.safetensors").model
        job = replace(job, guider=replace(job.guider, model=model))
        found: dict[float, list[str]] = {}
        for name, sampler in SAMPLERS.items():
            steps, waits = waits_of(replace(job, sampler=sampler))
            found.setdefault(waits.total() / steps, []).append(name)
        for each, names in sorted(found.items()):
            told = ", ".join(names) if len(names) < 4 else f"{len(names)} samplers"
            goal = 1.0 if names == ["dpm_adaptive"] else 0.0  # its error decides the next step
            yield Figure(f"waits for the device per step, {told}", each, "", goal)


def waits_of(job: Job) -> tuple[int, Counter[str]]:
    """How many steps a run on a device without memory takes, and where in the program it would wait.

    Not counted is what comes before the first step, and the loading of weights.
    """
    with without_memory() as waits:
        steps = prepare(job).steps
        with job.model.network.resident(job.model.patches, job.model.alternates):
            next(steps)
            waits.clear()
            count = sum(1 for _ in steps)
    return count, waits


@contextmanager
def without_memory() -> Iterator[Counter[str]]:
    """While this lasts, a device without memory answers when it is read; counts by the lines that did so."""
    made, waits = torch.Generator, Waits()
    torch.Generator = lambda _device="cpu": made()  # type: ignore[misc,assignment]  meta has none
    try:
        with waits:
            yield waits.places
    finally:
        torch.Generator = made  # type: ignore[misc]


class Waits(TorchDispatchMode):
    """Notes where a program waits for a device without memory."""

    def __init__(self) -> None:
        super().__init__()
        self.places: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: object, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call it; what needs a value gets any."""
        named, aten = dict(kwargs or {}), torch.ops.aten
        if func is aten._local_scalar_dense.default and args[0].is_meta:
            self.places[caller()] += 1
            return ANY
        if func is aten.nonzero.default and args[0].is_meta:
            self.places[caller()] += 1
            return torch.zeros(args[0].numel(), args[0].ndim, dtype=torch.int64, device="meta")
        if func in (aten._to_copy.default, aten.copy_.default):
            return self.copied(func, args, named)
        if "generator" in named and torch.device(named.get("device") or "cpu").type == "meta":
            del named["generator"]
            func = func.overloadpacket.default
        return func(*args, **named)

    def copied(self, func: Any, args: tuple[Any, ...], named: Mapping[str, Any]) -> Tensor:
        """A copy; one between devices is waited for, unless it is told not to be."""
        source = args[0] if len(args) == 1 else args[1]
        target = torch.device(named.get("device") or args[0].device)
        if target.type != source.device.type and not (named.get("non_blocking") or args[2:] == (True,)):
            self.places[caller()] += 1
        if source.is_meta and target.type == "cpu":
            return torch.full(source.shape, ANY, dtype=named.get("dtype") or source.dtype)
        made: Tensor = func(*args, **named)
        return made


def caller() -> str:
    """The line of the program that asks."""
    ours = [frame for frame in traceback.extract_stack() if "diffusion" in Path(frame.filename).parts]
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"


if __name__ == "__main__":
    show(figures())
