"""The repeated blocks of a network compiled into fewer, larger steps, by torch's compiler (Inductor).

The first forward at each size waits for the compiler; what it made lies in a folder and is there next time.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from types import FunctionType
from typing import Any, Literal, TypeAlias

import torch
from torch import nn
from torch.utils._triton import has_triton

from diffusion.errors import DiffusionError

Backend: TypeAlias = Literal["inductor", "cudagraphs"]
REPEATED = ("BasicTransformerBlock", "ResnetBlock2D")
"""The classes of diffusers' U-Nets that do most of the work; many of their blocks share a shape."""
SHAPES = 128
"""How many shapes of blocks and sizes of pictures are compiled before the rest is computed as it comes."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A hook: the blocks of a network run compiled.

    Where another change reaches inside a block, that block is computed as it comes: what was compiled would
    not know of it.
    """

    backend: Backend = "inductor"

    @contextmanager
    def installed(self, module: nn.Module, sigma: float) -> Iterator[None]:  # noqa: ARG002
        """While this lasts, a network runs compiled. Raises DiffusionError if nothing here can compile."""
        blocks = [part for part in module.modules() if type(part).__name__ in REPEATED]
        require_compiler(next(module.parameters()).device.type, self.backend)
        for block in blocks:
            vars(block)["forward"] = partial(run, block, self.backend)
        try:
            with torch._dynamo.config.patch(recompile_limit=SHAPES):
                yield
        finally:
            for block in blocks:
                del vars(block)["forward"]


def run(block: nn.Module, backend: Backend, *given: object, **named: object) -> object:
    """What a block answers: compiled, unless something in it is changed for this forward."""
    kind: Any = type(block)
    if is_changed(block, named):
        return kind.forward(block, *given, **named)
    try:
        return compiled(kind, backend)(block, *given, **named)
    except torch._dynamo.exc.TorchDynamoException as error:
        raise DiffusionError(
            f"The compiler failed on {kind.__name__}: {str(error).strip().splitlines()[0]}",
            "Remove TorchCompileModel, or choose the other backend.",
        ) from error


def is_changed(block: nn.Module, named: dict[str, object]) -> bool:
    """Whether something has reached inside a block: its layers have hooks, or attend in another way."""
    parts = list(block.modules())[1:]
    return (
        bool(named.get("cross_attention_kwargs"))
        or any(part._forward_hooks or part._forward_pre_hooks for part in parts)
        or any(isinstance(getattr(part, "processor", None), FunctionType) for part in parts)
    )


@cache
def compiled(kind: Any, backend: Backend) -> Callable[..., object]:
    """The forward of a class of blocks, compiled for each shape that it meets."""
    made: Callable[..., object] = torch.compile(kind.forward, backend=backend)
    return made


@cache
def require_compiler(device: str, backend: Backend) -> None:
    """Raise DiffusionError if there is nothing here that a backend needs."""
    if backend == "cudagraphs" and device != "cuda":
        raise DiffusionError(
            "cudagraphs records what an NVIDIA GPU does, but this machine computes without one.",
            "Choose inductor.",
        )
    if device == "cuda" and not has_triton():
        raise DiffusionError(
            "Compiling for a GPU needs Triton, which is not installed.",
            "Install the package triton, or remove TorchCompileModel.",
        )
    if device == "cpu" and not has_cpp_compiler():
        raise DiffusionError(
            "Compiling for a CPU needs a C++ compiler, and none was found.",
            "Install one, such as g++, or remove TorchCompileModel.",
        )


def has_cpp_compiler() -> bool:
    """Whether torch finds a C++ compiler."""
    from torch._inductor import cpp_builder, exc

    try:
        return bool(cpp_builder.get_cpp_compiler())
    except exc.InvalidCxxCompiler:
        return False
