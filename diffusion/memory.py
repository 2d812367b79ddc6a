"""Which networks are in a device's memory: brought in when needed, the least recently used leaves first."""

import logging
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from diffusion import heap
from diffusion.checkpoint import OTHER_VERSION, Kind, Part, WeightFile
from diffusion.errors import BrokenFile, OutOfMemory

log = logging.getLogger(__name__)

Policy: TypeAlias = Literal["keep", "offload"]
Precision: TypeAlias = Literal["auto", "float32", "bfloat16", "float16"]
NAMED = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Patch(Protocol):
    """A change to some weights of a network, such as a LoRA."""

    def names(self) -> Collection[str]:
        """The weights it changes, by the library module's names."""

    def applied(self, name: str, weight: Tensor) -> Tensor:
        """The changed weight; both float32 on the network's device."""


class Handle:
    """A network whose weights lie in a file. Cheap to hold; two handles on the same part share nothing."""

    def __init__(
        self, part: Part, file: WeightFile, memory: "Memory", computes: torch.dtype | None = None
    ) -> None:
        """`computes` is the number format to compute in, where that is not for the memory to choose."""
        self.part, self.file, self.memory, self.computes = part, file, memory, computes

    def computing_in(self, dtype: torch.dtype) -> "Handle":
        """The same network computing in a number format; this one stays as it is."""
        return Handle(self.part, self.file, self.memory, dtype)

    @contextmanager
    def resident(self, patches: tuple[Patch, ...] = (), alternates: bool = False) -> Iterator[nn.Module]:
        """The network on the device, with these patches applied, for as long as the block lasts.

        alternates: it is soon wanted with the patches it had before, too.
        """
        with self.memory.hold(self, patches, alternates) as module:
            yield module

    @property
    def carried(self) -> tuple[Patch, ...]:
        """The patches that its weights carry now; none while it is not resident."""
        resident = self.memory.held.get(self)
        return resident.patches if resident else ()

    @property
    def dtype(self) -> torch.dtype:
        """The number format the network computes in."""
        if self.computes is not None:
            return self.computes
        entries = self.file.header.entries
        stored = next((entries[key].dtype for key in self.part.sources.values()), torch.float32)
        return self.memory.dtype(self.part.kind, stored)

    @property
    def bytes(self) -> int:
        """How much memory the resident network takes."""
        return sum(math.prod(self.shape(name)) for name in self.part.sources) * self.dtype.itemsize

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a weight, by its name in the module."""
        return self.part.shape(self.file.header, name)


@dataclass(slots=True)
class Resident:
    """A network in memory, with the patches its weights carry now.

    bytes: of these weights. beside: the networks in use when it was last wanted, which will want it again.
    spare: those it had before the last change, each with its patches, while it alternates.
    """

    module: nn.Module
    bytes: int
    patches: tuple[Patch, ...] = ()
    users: int = 0
    beside: frozenset[Handle] = frozenset()
    spare: dict[str, tuple[Tensor, list[Patch]]] = field(default_factory=dict)

    @property
    def all_bytes(self) -> int:
        """How much memory it takes with what is kept beside it."""
        return self.bytes + sum(weight.nbytes for weight, _ in self.spare.values())


class Memory:
    """One device's memory for weights.

    keep: networks stay until room is needed. offload: only networks in use stay, and those wanted beside them
    while there is room, so the largest alone must fit.
    """

    def __init__(
        self,
        device: torch.device | str = "cpu",
        limit_bytes: int | None = None,
        policy: Policy = "keep",
        precision: Precision = "auto",
    ) -> None:
        self.device = torch.device(device)
        self.limit_bytes, self.policy, self.precision = limit_bytes, policy, precision
        self.has_bfloat16 = computes_bfloat16(self.device)
        self.held: OrderedDict[Handle, Resident] = OrderedDict()
        self.lock = threading.RLock()

    @property
    def used_bytes(self) -> int:
        """How much memory the resident networks take."""
        return sum(resident.all_bytes for resident in self.held.values())

    @property
    def in_use(self) -> frozenset[Handle]:
        """The networks that somebody uses now."""
        return frozenset(handle for handle, resident in self.held.items() if resident.users)

    def dtype(self, kind: Kind, stored: torch.dtype) -> torch.dtype:
        """The number format a network computes in.

        Text encoders and upscalers always compute in float32; a VAE never in float16, which it overflows.
        """
        if kind in ("text", "upscaler"):
            return torch.float32
        if self.precision == "auto":
            if self.device.type == "cpu" or kind == "vae":
                return torch.bfloat16 if self.has_bfloat16 else torch.float32
            return torch.bfloat16 if stored == torch.bfloat16 else torch.float16
        asked = NAMED[self.precision]
        return torch.float32 if kind == "vae" and asked == torch.float16 else asked

    @contextmanager
    def hold(
        self, handle: Handle, patches: tuple[Patch, ...], alternates: bool = False
    ) -> Iterator[nn.Module]:
        """Bring a network in, apply exactly these patches, and keep it in while the block lasts.

        alternates: keep the weights that change as well, if there is ample room.
        """
        with self.lock:
            resident = self.bring_in(handle)
            resident.beside = self.in_use
            if not alternates:
                resident.spare.clear()
            if resident.patches != patches:
                keeps = alternates and (bool(resident.spare) or self.has_room_beside(resident))
                try:
                    repatch(handle, resident, patches, keeps)
                except BaseException:
                    self.evict(handle)  # some weights may be patched and some not
                    raise
            resident.users += 1
        try:
            yield resident.module
        finally:
            with self.lock:
                resident.users -= 1

    def bring_in(self, handle: Handle) -> Resident:
        """The resident network, loaded if it is not there."""
        if handle in self.held:
            self.held.move_to_end(handle)
            return self.held[handle]
        self.make_room(handle.bytes)
        module = self.load(handle)
        self.held[handle] = Resident(module, handle.bytes)
        log.info("loaded %s of %s: %d bytes", handle.part.title, handle.file.path.name, handle.bytes)
        return self.held[handle]

    def load(self, handle: Handle) -> nn.Module:
        """The network, from its file; where it finds no room, the idle ones leave and it tries again."""
        try:
            return loaded(handle, self.device)
        except (RuntimeError, MemoryError) as error:
            if not lacks_memory(error):
                raise
            failure = error.with_traceback(None)  # what was loaded so far hangs on the traceback
        if self.evict_idle():
            return self.load(handle)
        raise OutOfMemory(
            f"There is no room for the {handle.part.title} of {handle.file.path.name}, "
            f"which needs {handle.bytes / 1e9:.1f} GB.",
            "Close other programs, or choose a smaller model or a lower precision.",
        ) from failure

    def make_room(self, wanted: int) -> None:
        """Let idle networks go, the least recently used first, until `wanted` bytes fit the limit."""
        if self.policy == "offload":
            self.evict_idle(self.in_use)
        for handle, resident in list(self.held.items()):
            if self.limit_bytes is None or self.used_bytes + wanted <= self.limit_bytes:
                return
            if resident.users == 0:
                self.evict(handle)

    def evict(self, handle: Handle) -> None:
        """Let one network go; its weights are read from the file again when it is next used."""
        with self.lock:
            if self.held.pop(handle, None):
                log.info("evicted %s of %s", handle.part.title, handle.file.path.name)
                heap.give_back()

    def evict_idle(self, wanting: frozenset[Handle] = frozenset()) -> bool:
        """Let every network go that is not in use, nor wanted beside one of these; whether there was one."""
        idle = [each for each, held in self.held.items() if held.users == 0 and not held.beside & wanting]
        for handle in idle:
            self.evict(handle)
        return bool(idle)

    def has_room(self, wanted: int) -> bool:
        """Whether so many bytes are free for working with; idle networks leave if that is what it takes."""
        return self.free_bytes() >= wanted or (self.evict_idle() and self.free_bytes() >= wanted)

    def has_room_beside(self, resident: Resident) -> bool:
        """Whether a network's weights may be kept twice, and nothing has to leave for it."""
        wanted = self.used_bytes + resident.bytes
        is_allowed = self.policy == "keep" and (self.limit_bytes is None or wanted <= self.limit_bytes)
        return is_allowed and self.free_bytes() >= 2 * resident.bytes

    def free_bytes(self) -> float:
        """How much of the device's memory nobody uses; infinite if the device does not say."""
        if self.device.type == "cuda":
            free, _total = torch.cuda.mem_get_info(self.device)
            kept = torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)
            return free + kept
        facts = Path("/proc/meminfo")
        lines = facts.read_text().splitlines() if self.device.type == "cpu" and facts.is_file() else []
        said = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
        return said[0] + heap.free_bytes() if said else float("inf")


def computes_bfloat16(device: torch.device) -> bool:
    """Whether the device has units for bfloat16, not only an emulation."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return False
    facts = Path("/proc/cpuinfo")
    flags = facts.read_text(errors="replace").split() if facts.is_file() else []
    return "avx512_bf16" in flags or "amx_bf16" in flags


def lacks_memory(error: Exception) -> bool:
    """Whether an error says that a device has no memory left. On a CPU only its text tells."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(error)


class Hollow(TorchFunctionMode):
    """While this lasts, new modules draw no first weights: they have no memory, and get those of a file."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Collection[type],  # noqa: ARG002  given to every mode
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Pass over what initialises a tensor; call everything else."""
        if getattr(func, "__module__", "") == "torch.nn.init":
            return (kwargs or {}).get("tensor", args[0] if args else None)
        return func(*args, **(kwargs or {}))


def loaded(handle: Handle, device: torch.device) -> nn.Module:
    """Build a network without weights and give it those of the file.

    Weights in the computing format are views of the file; others are converted one by one.
    """
    # Outside inference mode: what is made inside can never train.
    with torch.inference_mode(False), torch.no_grad():
        if handle.part.load is not None:
            with Hollow():
                module = handle.part.load(handle.file)
            return module.to(device, handle.dtype).requires_grad_(False).eval()
        module = hollow(handle)
        wanted = module.state_dict()
        require_complete(handle, wanted)
        weights = {name: weight_of(handle, name, wanted[name]).to(device) for name in wanted}
        module.load_state_dict(weights, assign=True)
        number_positions(module, device)
        return module.requires_grad_(False).eval()


def number_positions(module: nn.Module, device: torch.device) -> None:
    """Count the positions anew, which transformers keep beside their weights and no file brings."""
    for part in module.modules():
        empty = part._buffers.get("position_ids")
        if empty is not None and empty.is_meta:
            part._buffers["position_ids"] = torch.arange(empty.shape[-1], device=device)[None]


def hollow(handle: Handle) -> nn.Module:
    """The network without weights. Raises BrokenFile if the sizes told by the file make none."""
    try:
        with torch.device("meta"), Hollow():
            return handle.part.build()
    except (ValueError, ZeroDivisionError) as error:
        raise BrokenFile(
            f"The {handle.part.title} in {handle.file.path.name} cannot be built: {error}.", OTHER_VERSION
        ) from error


def require_complete(handle: Handle, wanted: dict[str, Tensor]) -> None:
    """Every weight of the network must be in the file, and in the right shape."""
    name, sources = handle.file.path.name, handle.part.sources
    missing = [key for key in wanted if key not in sources]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise BrokenFile(
            f"The {handle.part.title} in {name} is incomplete: it lacks {missing[0]}{more}.",
            "Download the file again, or use another version of this model.",
        )
    for key, tensor in wanted.items():
        shape = handle.shape(key)
        if tensor.shape != shape and squeezed(tensor.shape) != squeezed(shape):
            raise BrokenFile(
                f"The {handle.part.title} in {name} does not fit together: {sources[key]} is "
                f"{list(shape)}, but {list(tensor.shape)} is needed.",
                OTHER_VERSION,
            )


def squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without trailing ones: a 1x1 convolution is a matrix."""
    while len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    return tuple(shape)


def weight_of(handle: Handle, name: str, like: Tensor) -> Tensor:
    """One weight from the file, in the computing format; not copied if it has that format already."""
    return converted(stored_weight(handle, name, like), handle.dtype)


def converted(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """A weight in another format, not copied if it has that format already.

    Where it is copied anyway, a convolution's is laid out with its channels last, as processors like it.
    """
    if weight.dtype == dtype or weight.ndim != 4:
        return weight.to(dtype)
    return weight.to(dtype, memory_format=torch.channels_last)


def stored_weight(handle: Handle, name: str, like: Tensor) -> Tensor:
    """One weight in the format it is kept in: that of the file, but a text encoder's in at most 16 bits."""
    weight = handle.part.weight(handle.file, name).reshape(like.shape)
    # The field keeps text encoders in float16, whatever the file has.
    return weight.half() if handle.part.kind == "text" and weight.dtype == torch.float32 else weight


def repatch(handle: Handle, resident: Resident, patches: tuple[Patch, ...], keeps: bool = False) -> None:
    """Give the network exactly these patches: weights whose patches change are read again, then patched.

    keeps: they are kept as they were, and not made again if they are still there from the time before.
    """
    before, after = by_weight(resident.patches), by_weight(patches)
    parameters = dict(resident.module.named_parameters())
    with torch.inference_mode(False), torch.no_grad():
        for name in sorted((before.keys() | after.keys()) & parameters.keys()):
            old, new = before.get(name, []), after.get(name, [])
            if old == new:
                continue
            parameter, spare = parameters[name], resident.spare.get(name)
            if keeps:
                resident.spare[name] = parameter.data, old
            if spare is not None and spare[1] == new:
                parameter.data = spare[0]
                continue
            weight = stored_weight(handle, name, parameter).to(parameter.device)
            if new:
                weight = patched(handle, name, weight, new)
            parameter.data = converted(weight, parameter.dtype)
    resident.patches = patches


def by_weight(patches: tuple[Patch, ...]) -> dict[str, list[Patch]]:
    """The patches on each weight, in order."""
    found: dict[str, list[Patch]] = {}
    for patch in patches:
        for name in patch.names():
            found.setdefault(name, []).append(patch)
    return found


def patched(handle: Handle, name: str, weight: Tensor, patches: list[Patch]) -> Tensor:
    """A weight with patches applied in order, in float32; a text encoder's is rounded to float16 once."""
    value = weight.float()
    for patch in patches:
        value = patch.applied(name, value)
    return value.half() if handle.part.kind == "text" else value
