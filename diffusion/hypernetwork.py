"""Hypernetworks: small networks that change what attention looks for and what it finds, by its width.

The files come from the training of the AUTOMATIC1111 web UI: for each width one network for keys and one for
values, and beside them in words what stands between their layers.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from torch import Tensor, nn

from diffusion.checkpoint import Header, Part, WeightFile
from diffusion.errors import FamilyMismatch, UnknownCheckpoint
from diffusion.hooks import reading
from diffusion.memory import Handle, Memory

ACTIVATIONS: Mapping[str, type[nn.Module]] = MappingProxyType(
    {
        "linear": nn.Identity,
        "relu": nn.ReLU,
        "leakyrelu": nn.LeakyReLU,
        "elu": nn.ELU,
        "swish": nn.Hardswish,
        "tanh": nn.Tanh,
        "sigmoid": nn.Sigmoid,
        "softsign": nn.Softsign,
        "mish": nn.Mish,
        "gelu": nn.GELU,
        "silu": nn.SiLU,
    }
)
OLDEST = {"linear1": "linear.0", "linear2": "linear.1"}
"""How the first files called the layers."""


class Branch(nn.Module):
    """A network for keys or values of one width; `linear` holds its layers by their numbers in the file.

    shapes: those of its weights. activation: after each matrix, but after the last only if `ends`.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], activation: str, ends: bool) -> None:
        super().__init__()
        numbers = sorted({name.split(".")[1] for name in shapes if name.endswith(".weight")}, key=int)
        sized = {number: shapes[f"linear.{number}.weight"] for number in numbers}
        matrices = [number for number in numbers if len(sized[number]) == 2]
        self.linear = nn.ModuleDict(
            {
                number: nn.Linear(shape[1], shape[0]) if number in matrices else nn.LayerNorm(shape)
                for number, shape in sized.items()
            }
        )
        self.activation = ACTIVATIONS[activation]()
        self.activated = frozenset(matrices if ends else matrices[:-1])

    def forward(self, states: Tensor) -> Tensor:
        """What is added to the states [batch, tokens, width]."""
        for number, layer in self.linear.items():
            states = layer(states)
            states = self.activation(states) if number in self.activated else states
        return states


@dataclass(frozen=True, slots=True, eq=False)
class Hypernetwork:
    """A change to what a U-Net's attentions read keys and values from: a hook.

    widths: of what they read, for which it has networks.
    """

    network: Handle
    widths: frozenset[int]
    strength: float = 1.0

    @contextmanager
    def installed(self, module: nn.Module, sigma: float) -> Iterator[None]:  # noqa: ARG002
        """While this lasts, a network computes it."""
        with self.network.resident() as changes, ExitStack() as stack:
            for name, part in module.named_modules():
                if not name.endswith((".attn1", ".attn2")):
                    continue
                for index, end in enumerate(("to_k", "to_v")):
                    matrix = part.get_submodule(end)
                    if (width := matrix.get_parameter("weight").shape[1]) in self.widths:
                        stack.callback(reading(matrix, self.added(changes.get_submodule(f"{width}.{index}"))))
            yield

    def added(self, branch: nn.Module) -> Callable[[Tensor], Tensor]:
        """What becomes of what a matrix reads."""
        dtype = next(branch.parameters()).dtype
        return lambda states: states + self.strength * branch(states.to(dtype)).to(states.dtype)


def open_hypernetwork(file: WeightFile, memory: Memory) -> Hypernetwork:
    """The hypernetwork in a file. Raises UnknownCheckpoint if it is none, or of an unknown kind."""
    sources = dict(named(file.header))
    activation = file.header.metadata.get("activation_func", "linear")
    starts = {tuple(name.split(".")[:2]) for name in sources}
    widths = frozenset(int(width) for width, _ in starts if {(width, "0"), (width, "1")} <= starts)
    if not widths or activation not in ACTIVATIONS:
        known = ", ".join(ACTIVATIONS)
        reason = f": its layers are joined by {activation!r}" if widths else ""
        raise UnknownCheckpoint(
            f"{file.path.name} is not a hypernetwork this program knows{reason}.",
            f"Known are those of the web UI, with layers joined by {known}.",
        )
    part = Part("hypernetwork", "network", partial(built, file.header, sources, activation), sources)
    return Hypernetwork(Handle(part, file, memory), widths)


def named(header: Header) -> Iterator[tuple[str, str]]:
    """The names of the weights, such as 768.0.linear.1.bias, with the file's keys."""
    for key in header.entries:
        width, _, rest = key.partition(".")
        index, _, inner = rest.partition(".")
        layer, _, kind = inner.rpartition(".")
        name = OLDEST.get(layer, layer)
        if (
            width.isdigit()
            and index in ("0", "1")
            and name.startswith("linear.")
            and kind in ("weight", "bias")
        ):
            yield f"{width}.{index}.{name}.{kind}", key


def built(header: Header, sources: Mapping[str, str], activation: str) -> nn.Module:
    """The networks of a file, by width: one for keys, one for values."""
    ends = header.metadata.get("activate_output", "true") == "true"
    widths = {name.split(".")[0] for name in sources}

    def branch(start: str) -> Branch:
        shapes = {
            name.removeprefix(start): header.shape(key)
            for name, key in sources.items()
            if name.startswith(start)
        }
        return Branch(shapes, activation, ends)

    return nn.ModuleDict(
        {width: nn.ModuleList(branch(f"{width}.{index}.") for index in (0, 1)) for width in widths}
    )


def require_effect(hypernetwork: Hypernetwork, network: Handle) -> None:
    """Refuse a hypernetwork that would change nothing in a U-Net."""
    ends = (".attn1.to_k.weight", ".attn2.to_k.weight")
    there = {network.shape(name)[1] for name in network.part.sources if name.endswith(ends)}
    if not there & hypernetwork.widths:
        raise FamilyMismatch(
            f"{hypernetwork.network.file.path.name} changes attention of the widths "
            f"{', '.join(map(str, sorted(hypernetwork.widths)))}, but that of {network.file.path.name} is "
            f"{', '.join(map(str, sorted(there)))} wide.",
            "Load a hypernetwork made for the model's family.",
        )
