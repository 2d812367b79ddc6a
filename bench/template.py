"""What a person waits for: the template "Text to image" from the command line, and again in a warm worker.

python -m bench.template
"""

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from bench.figures import Cost, Figure, cost, show
from graph import document
from graph.workflow import Workflow
from server.config import Config
from server.offline import Bench, bench
from server.submission import with_value

PROGRAM = Path(__file__).resolve().parent.parent
TEMPLATE = PROGRAM / "workflows" / "text_to_image.json"
PRECISION = "float32"
WARM_RUNS = 3


def figures() -> Iterator[Figure]:
    """The command, then a worker that stays, then the same network calls without either."""
    with tempfile.TemporaryDirectory() as folder:
        command = commanded(Path(folder))
        yield Figure("photogram run: wall", command.wall, "s")
        yield Figure("photogram run: CPU of all processes", command.cpu, "s")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        yield Figure("photogram run: peak memory of its largest process, the worker", peak / 1e6, "MB")
        times = asyncio.run(rendered(Config(output=Path(folder), precision=PRECISION)))
    alone = sampled()
    yield Figure("first run in a worker that is ready: wall", times[0], "s")
    yield Figure("next run with another seed: wall", min(times[1:]), "s")
    yield Figure("its sampling and decoding alone: wall", alone.wall, "s")
    yield Figure("next run beside its sampling and decoding alone", min(times[1:]) / alone.wall, "x")


def commanded(folder: Path) -> Cost:
    """One `photogram run`, with all its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    command = [sys.executable, "-m", "server", "run", str(TEMPLATE), "--out", str(folder)]
    subprocess.run([*command, "--precision", PRECISION], cwd=PROGRAM, check=True, capture_output=True)
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


async def rendered(config: Config) -> list[float]:
    """Seconds of each of several runs in one worker, each with a seed of its own."""
    workflow = document.read(TEMPLATE.read_text())
    async with bench(config) as worker:
        await worker.catalog()
        return [await seconds(worker, with_value(workflow, "sampler.seed", n)) for n in range(1 + WARM_RUNS)]


async def seconds(worker: Bench, workflow: Workflow) -> float:
    """How long a run takes from being queued until its picture lies in the folder."""
    began = time.monotonic()
    run = await worker.render(workflow, None, lambda event: None)  # noqa: ARG005
    assert run.state == "succeeded", run.problems
    return time.monotonic() - began


def sampled() -> Cost:
    """The template's sampler and decoder called as functions."""
    from diffusion.library import ModelLibrary
    from diffusion.memory import Memory
    from nodes.latent import empty_latent_image
    from nodes.sampling import ksampler
    from nodes.text import encode_prompt
    from nodes.vae import vae_decode

    nodes = document.read(TEMPLATE.read_text()).graph.nodes
    library = ModelLibrary({"checkpoints": [PROGRAM / "models" / "checkpoints"]}, Memory(precision=PRECISION))
    model, text, vae = library.checkpoint("photogram.safetensors")

    def once() -> None:
        vae_decode(ksampler(model, wanted, unwanted, latent, **nodes["sampler"].inputs), vae)  # type: ignore[arg-type]

    with torch.inference_mode():
        wanted, unwanted = encode_prompt(str(nodes["positive"].inputs["text"]), text), encode_prompt("", text)
        latent = empty_latent_image(**nodes["latent"].inputs)  # type: ignore[arg-type]
        once()
        return cost(once, WARM_RUNS)


if __name__ == "__main__":
    show(figures())
