"""How long it takes to change a LoRA on a resident full-size Stable Diffusion 1.5 U-Net, and to undo it.

python -m bench.lora. The LoRA has rank 32 on every matrix of every attention, as most have. Writes a file of
1.7 GB with random numbers to the temporary folder and deletes it again.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file

from bench.figures import Figure, cost, show
from bench.weights import write_full_size
from diffusion.checkpoint import WeightFile
from diffusion.families.sd15 import SD15
from diffusion.lora import LoraPatch, changes, model_names, read_lora
from diffusion.memory import Handle, Memory

RANK = 32


def figures() -> Iterator[Figure]:
    """Put a LoRA on, change its strength, and take it off again."""
    with tempfile.TemporaryDirectory() as folder:
        network = full_size(Path(folder))
        found, _homeless = changes(read_lora(lora_for(network, Path(folder))), network, names(network))
        weak, strong = LoraPatch("a", found, 0.5), LoraPatch("a", found, 1.0)
        put(network, weak)
        changed = cost(lambda: put(network, strong), 3, before=lambda: put(network, weak))
        undone = cost(lambda: put(network), 3, before=lambda: put(network, weak))
        yield Figure("weights the LoRA changes", len(found), "")
        yield Figure("LoRA changed in", changed.wall, "s", 1.0)
        yield Figure("LoRA changed in: CPU", changed.cpu, "s", 1.0)
        yield Figure("LoRA undone in", undone.wall, "s", 1.0)


def full_size(folder: Path) -> Handle:
    """The U-Net, in bfloat16, as a processor computes with it."""
    write_full_size(folder / "full.safetensors")
    file = WeightFile(folder / "full.safetensors")
    part = SD15.parts(file.header).network
    assert part is not None
    return Handle(part, file, Memory(precision="bfloat16"))


def names(network: Handle) -> dict[str, str]:
    """How LoRA files spell the network's modules."""
    return model_names(network)


def lora_for(network: Handle, folder: Path) -> WeightFile:
    """A LoRA file for every matrix in an attention."""
    tensors = {}
    for name in network.part.sources:
        shape = network.shape(name)
        if ".attentions." in name and name.endswith(".weight") and len(shape) > 1:
            module = f"lora_unet_{name.removesuffix('.weight').replace('.', '_')}"
            tensors[f"{module}.lora_up.weight"] = torch.randn(shape[0], RANK).half()
            tensors[f"{module}.lora_down.weight"] = torch.randn(RANK, shape[1]).half()
    save_file(tensors, folder / "lora.safetensors")
    return WeightFile(folder / "lora.safetensors")


def put(network: Handle, *patches: LoraPatch) -> None:
    """Give the network exactly these patches."""
    with network.resident(patches):
        pass


if __name__ == "__main__":
    show(figures())
