"""How long a full-size Stable Diffusion 1.5 U-Net takes to load from its file, and how much private memory.

Run: .venv/bin/python -m bench.weights. Writes a file of 1.7 GB with random numbers to the temporary folder
and deletes it again. The file and the computing format agree, so the weights are adopted from the file.
"""

import json
import math
import os
import resource
import struct
import tempfile
import time
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel

from diffusion.blocks import UnetShape, inverted, translated, unet_names
from diffusion.checkpoint import WeightFile
from diffusion.families.sd15 import SD15, UNET_PREFIXES
from diffusion.memory import Handle, Memory

FULL = UnetShape((320, 640, 1280, 1280), (2, 2, 2, 2), (1, 1, 1, 0), 1, 768, False, 4)
LIMIT_SECONDS, LIMIT_BYTES = 0.2, 150_000_000


def main() -> None:
    """Load the file once to warm the code up, then measure."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "full.safetensors"
        write_full_size(path)
        load(path)
        before = private_bytes()
        memory = load(path)
        private = private_bytes() - before
        times = [timed(path) for _ in range(3)]
        wall, seconds = (min(column) for column in zip(*times, strict=True))
        print(f"file {path.stat().st_size / 1e9:.2f} GB, resident {memory.used_bytes / 1e9:.2f} GB")
        print(f"loaded in {wall:.3f} s, {seconds:.3f} s of CPU (limit {LIMIT_SECONDS}), best of three")
        print(f"private memory {private / 1e6:.0f} MB (limit {LIMIT_BYTES / 1e6:.0f})")
        print(f"peak of the process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")
        if seconds > LIMIT_SECONDS or private > LIMIT_BYTES:
            raise SystemExit("over the limit")


def timed(path: Path) -> tuple[float, float]:
    """Wall-clock and CPU seconds of one load."""
    wall, cpu = time.perf_counter(), time.thread_time()
    load(path)
    return time.perf_counter() - wall, time.thread_time() - cpu


def load(path: Path) -> Memory:
    """Open the file and make its U-Net resident."""
    file = WeightFile(path)
    memory = Memory(precision="float16")
    part = SD15.parts(file.header).network
    assert part is not None
    with Handle(part, file, memory).resident():
        return memory


def write_full_size(path: Path) -> None:
    """A file with every weight of the full-size U-Net under its original name, in float16."""
    with torch.device("meta"):
        module = UNet2DConditionModel(cross_attention_dim=768)
    names = inverted(unet_names(FULL))
    header, place = {}, 0
    for key, tensor in module.state_dict().items():
        size = 2 * math.prod(tensor.shape)
        original = f"{UNET_PREFIXES[0]}{translated(key, names)}"
        header[original] = {
            "dtype": "F16",
            "shape": list(tensor.shape),
            "data_offsets": [place, place + size],
        }
        place += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        while place:
            file.write(os.urandom(min(place, 1 << 24)))
            place -= min(place, 1 << 24)


def private_bytes() -> int:
    """The memory only this process has: what the file's pages take is not in it."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_Dirty"))


if __name__ == "__main__":
    main()
