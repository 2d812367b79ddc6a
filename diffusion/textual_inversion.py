"""Textual inversion: words whose vectors were learned from pictures (Gal et al. 2022, arXiv:2208.01618)."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from diffusion.checkpoint import WeightFile
from diffusion.errors import BrokenFile

SUFFIXES = ("", ".safetensors", ".pt", ".bin")


def find(name: str, roots: Sequence[Path]) -> Path | None:
    """The file of a word, anywhere below the folders, with its ending or without; None if there is none.

    A name that leads out of the folders is for the caller to refuse.
    """
    for root in roots:
        for suffix in SUFFIXES:
            direct = root / (name + suffix)
            found = direct if direct.is_file() else next(root.rglob(escaped(name + suffix)), None)
            if found is not None and found.is_file():
                return found
    return None


def escaped(name: str) -> str:
    """A name whose special signs match only themselves in a pattern."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)


def vectors(file: WeightFile, encoder: str) -> Tensor | None:
    """The vectors [count, width] of a file for a text encoder, float32; those for any if it names none."""
    keys = list(file.header.entries)
    if not keys:
        raise BrokenFile(f"{file.path.name} holds no vectors.", "Download the file again.")
    bundled = [key for key in keys if key.startswith("bundle_emb.")]
    if bundled:
        own = [key for key in bundled if key.endswith((f".{encoder}", "string_to_param.*"))]
        return torch.cat([rows_of(file.tensor(key)) for key in own]) if own else None
    trained = [key for key in keys if key.startswith("string_to_param.")]
    key = next((name for name in (encoder, *trained, "*") if name in keys), keys[0])
    return rows_of(file.tensor(key))


def rows_of(stored: Tensor) -> Tensor:
    """One vector or more as float32 rows [count, width]."""
    return stored.float().reshape(-1, stored.shape[-1])
