"""How long a full-size Stable Diffusion 1.5 U-Net takes to load from its file, and how much private memory.

python -m bench.weights. Writes a file of 1.7 GB with random numbers to the temporary folder and deletes it
again. The file and the computing format agree, so the weights are adopted from the file.
"""

import json
import math
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel

from bench.figures import Figure, cost, show
from diffusion.blocks import UnetShape, inverted, translated, unet_names, vector_names
from diffusion.checkpoint import WeightFile
from diffusion.families.sd15 import SD15
from diffusion.memory import Handle, Memory
from diffusion.parts import UNET_PREFIXES

FULL = UnetShape((320, 640, 1280, 1280), (2, 2, 2, 2), (1, 1, 1, 0), 1, 768, False, 4)
FULL_CONFIG = {"cross_attention_dim": 768}
XL = UnetShape((320, 640, 1280), (2, 2, 2), (0, 2, 10), 10, 2048, True, 4, vector=2816)
XL_CONFIG = {
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
CHUNK_BYTES = 1 << 24


def figures() -> Iterator[Figure]:
    """Load the file once to warm the code up, then measure."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "full.safetensors"
        write_full_size(path)
        load(path)
        before = private_bytes()
        memory = load(path)
        private = private_bytes() - before
        taken = cost(lambda: load(path), 3)
        read = cost(lambda: path.read_bytes(), 1)
        yield Figure("size of the file", path.stat().st_size / 1e9, "GB")
        yield Figure("resident weights", memory.used_bytes / 1e9, "GB")
        yield Figure("loaded in", taken.wall, "s", 0.2)
        yield Figure("loaded in: CPU", taken.cpu, "s", 0.2)
        yield Figure("loaded beside reading the file into memory", taken.wall / read.wall, "x", 1.0)
        yield Figure("private memory of the weights", private / 1e6, "MB", 150.0)


def load(path: Path) -> Memory:
    """Open the file and make its U-Net resident."""
    file = WeightFile(path)
    memory = Memory(precision="float16")
    part = SD15.parts(file.header).network
    assert part is not None
    with Handle(part, file, memory).resident():
        return memory


def write_full_size(path: Path, is_xl: bool = False, original: bool = True) -> None:
    """A file with every weight of the full-size U-Net, small, random and float16.

    Each goes by its original name, or by that of the diffusers library.
    """
    with torch.device("meta"):
        module = UNet2DConditionModel(**(XL_CONFIG if is_xl else FULL_CONFIG))
    names = inverted(unet_names(XL) | vector_names("add_embedding") if is_xl else unet_names(FULL))
    header, place = {}, 0
    for key, tensor in module.state_dict().items():
        size = 2 * math.prod(tensor.shape)
        name = f"{UNET_PREFIXES[0]}{translated(key, names)}" if original else key
        header[name] = {
            "dtype": "F16",
            "shape": list(tensor.shape),
            "data_offsets": [place, place + size],
        }
        place += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        numbers = np.random.default_rng(1).standard_normal(CHUNK_BYTES // 2, np.float32) * 0.02
        chunk = numbers.astype(np.float16).tobytes()
        while place:
            file.write(chunk[:place])
            place -= min(place, CHUNK_BYTES)


def private_bytes() -> int:
    """The memory only this process has: what the file's pages take is not in it."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_Dirty"))


if __name__ == "__main__":
    show(figures())
