"""What a node is handed when it loads a checkpoint: values that say which weights, with which patches.

The weights themselves lie in a file and are made resident by `Memory` when they are needed. Two values may
share them: a patch gives a new value and changes nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from diffusion.ahead import sent
from diffusion.controlnet import Base, Control, ControlNet, Query, Residuals, steering
from diffusion.errors import DiffusionError, MissingPart, OutOfMemory
from diffusion.family import Family, LatentFormat, Reading
from diffusion.guidance import PLAIN, Guidance
from diffusion.hooks import Hook, hooked
from diffusion.ip_adapter import Attending, PicturePrompt, Rows
from diffusion.keyframes import Keyframes
from diffusion.memory import Handle, Memory, Patch, lacks_memory
from diffusion.networks import Vector
from diffusion.noise_range import NoiseRange
from diffusion.prediction import Prediction
from diffusion.reuse import Reuse
from diffusion.tokens import ClipTokenizer, Embeddings
from diffusion.values import NOTHING, Augmentation
from diffusion.weight_hooks import Phase, WeightHook, hook_patches, phases

__all__ = ["ControlNet", "Model", "TextEncoder", "Vae", "quiet"]

NO_PICTURE = (0.8223, -0.6876, 0.6364, 0.1380)
"""What an inpainting network is given for the picture where there is none: grey, in its own space."""


def quiet() -> None:
    """A check that lets everything pass."""


def no_embeddings(_name: str, _encoder: str) -> None:
    """A folder without embeddings."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Model:
    """A diffusion model: a network, what it predicts, and the noise levels it knows.

    alternates: it is soon asked with other patches, and with these again.
    latent: the space it works in, where that is not its family's. guidance: how it wants to be guided.
    differential: how much a grey noise mask says from when on to repaint; 0 is how much to repaint.
    previewer: a tiny network that sees a picture in its latents. hooks: changes to what it computes.
    augmentation: how it is told of pictures, if it reads some. pictures: those that it
    attends to beside every prompt. reuse: when an answer of the network stands for the next.
    """

    family: Family
    noise: NoiseRange
    prediction: Prediction
    network: Handle
    in_channels: int = 4
    patches: tuple[Patch, ...] = ()
    alternates: bool = False
    latent: LatentFormat | None = None
    previewer: nn.Module | None = None
    hooks: tuple[Hook, ...] = ()
    guidance: Guidance = PLAIN
    differential: float = 0.0
    augmentation: Augmentation | None = None
    pictures: tuple[PicturePrompt, ...] = ()
    reuse: Reuse | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    socket: ClassVar[str] = "MODEL"

    def with_patches(self, *patches: Patch) -> "Model":
        """A model with more patches, applied after those it has. This one stays as it is."""
        return replace(self, patches=(*self.patches, *patches))

    def with_picture(self, picture: PicturePrompt) -> "Model":
        """A model that attends to one more picture. This one stays as it is."""
        return replace(self, pictures=(*self.pictures, picture))

    def with_hook(self, hook: Hook) -> "Model":
        """A model that computes something else, on top of the changes it has. This one stays as it is."""
        return replace(self, hooks=(*self.hooks, hook))

    @property
    def lack(self) -> DiffusionError | None:
        """Why it cannot be used, if its file has no such network."""
        return self.network.part.lack

    @property
    def base(self) -> Base:
        """What ControlNets know of it."""
        return Base(self.network, self.patches)

    def latent_in(self, latent: Tensor) -> Tensor:
        """From the VAE's space into the network's."""
        return (self.latent or self.family.latent).into(latent)

    def latent_out(self, x: Tensor) -> Tensor:
        """From the network's space back into the VAE's."""
        return (self.latent or self.family.latent).out(x)

    def denoised(
        self,
        x: Tensor,
        sigma: float,
        tokens: Tensor,
        vector: Vector | None = None,
        controls: Sequence[Sequence[Control]] = (),
        check: Callable[[], None] = quiet,
        *,
        concat: Tensor | None = None,
        unwanted: Sequence[bool] = (False,),
    ) -> Tensor:
        """The clean latent the network sees in `x`: one forward over the batch, without guidance.

        x: float32 [batch, channel, height, width] in the network's space, at noise level `sigma`.
        tokens: [batch, tokens, width]. vector: what the network takes besides.
        controls: for each row those that steer it, or one sequence for all rows.
        concat: [batch, in_channels - channel, height, width], given to an inpainting network as it
        is.
        unwanted: for each prompt that the rows are for, one block of rows after another, whether it says
        what is not wanted.
        check: called between the network's blocks; whatever it raises ends the forward.
        """
        scaled = self.prediction.scale_input(x, sigma)
        beside = vector and Vector(sent(vector.pooled, x.device), sent(vector.numbers, x.device))
        query = Query(scaled, self.noise.timestep(sigma), sent(tokens, x.device), len(unwanted), beside)
        active = [tuple(filter(lambda control: self.is_active(control, sigma), row)) for row in controls]
        # The controls run while the network is held, so that neither drives the other out of memory.
        memory = self.network.memory
        with (
            self.network.resident(self.patches, self.alternates) as module,
            room(x, module, memory, self.family.latent.downscale),
            checked(blocks(module), check),
        ):
            added = steering(active, query, self.base)
            rows = Rows(tuple(unwanted), x.shape[-2], x.shape[-1])
            shown = (Attending(each, rows) for each in self.pictures if self.is_active(each, sigma))
            with hooked(module, (*self.hooks, *shown), sigma):
                output = forward(module, query, self.joined(scaled, concat), added)
        return self.prediction.denoised(x, output, sigma)

    def is_active(self, control: Control | PicturePrompt, sigma: float) -> bool:
        """Whether a control or a picture acts at a noise level."""
        first, last = self.noise.percent_to_sigma(control.start), self.noise.percent_to_sigma(control.end)
        return control.strength != 0 and last <= sigma <= first

    def joined(self, x: Tensor, concat: Tensor | None) -> Tensor:
        """The network's input: the state, and beside it what an inpainting network wants."""
        missing = self.in_channels - x.shape[1]
        if missing <= 0:
            return x
        if concat is None and missing == 1 + len(NO_PICTURE):
            plane = (len(x), 1, *x.shape[2:])
            concat = torch.cat([x.new_full(plane, value) for value in (1.0, *NO_PICTURE)], 1)
        elif concat is None:
            concat = x.new_zeros(len(x), missing, *x.shape[2:])
        return torch.cat((x, sent(concat, x.device, x.dtype)), 1)


@dataclass(frozen=True, slots=True, eq=False)
class Tower:
    """One network of a text encoder, how the family reads it, and its patches in order."""

    reading: Reading
    network: Handle
    patches: tuple[Patch, ...] = ()


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class TextEncoder:
    """What turns a prompt into tokens a family understands: one network or more, each its own tower.

    `stop_at_layer` -1 is the last layer, -2 the one before. None is the family's own choice.
    phases: what is added to its weights, tower by tower, for each part of the sampling; a prompt becomes one
    entry for each. prompt_hooks: what its prompts add to those of the diffusion model.
    """

    family: str
    towers: tuple[Tower, ...]
    tokenizer: ClipTokenizer
    embeddings: Embeddings = no_embeddings
    stop_at_layer: int | None = None
    phases: tuple[Phase, ...] = ()
    prompt_hooks: tuple[WeightHook, ...] = ()
    socket: ClassVar[str] = "CLIP"

    @property
    def lack(self) -> DiffusionError | None:
        """Why it cannot be used, if its file has no such network, or its family reads no text."""
        if not self.towers:
            return MissingPart(
                "There is no text encoder: this model reads pictures, and no text.",
                "Use Image Only Checkpoint Loader, and connect what StableZero123_Conditioning gives.",
            )
        return next((lack for tower in self.towers if (lack := tower.network.part.lack)), None)

    def with_patches(self, name: str, *patches: Patch) -> "TextEncoder":
        """A text encoder with more patches on the tower of that name. This one stays as it is."""
        return replace(
            self,
            towers=tuple(
                replace(tower, patches=(*tower.patches, *patches)) if tower.reading.name == name else tower
                for tower in self.towers
            ),
        )

    def with_hooks(self, hooks: Sequence[WeightHook], scheduled: bool, on_prompts: bool) -> "TextEncoder":
        """A text encoder with these hooks in place of those it has. This one stays as it is.

        scheduled: they follow their keyframes here too. on_prompts: its prompts have them for the diffusion
        model. Raises FamilyMismatch if one does not fit.
        """
        own = hooks if scheduled else [replace(hook, keyframes=Keyframes()) for hook in hooks]
        patches = [hook_patches(own, tower.network, tower.reading.name) for tower in self.towers]
        return replace(
            self, phases=tuple(phases(own, patches)), prompt_hooks=tuple(hooks) if on_prompts else ()
        )


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Vae:
    """The network between pictures and latents. A latent cell is `downscale` x `downscale` pixels.

    encoder: the network that encodes, where it is one of its own. space: where they work in the space of the
    diffusion model, that. buffers: how many planes of all pixels, for each channel of its widest layer, it
    needs at once; measured for those of the KL kind: 1.9 decoding, 1.3 encoding.
    """

    family: str | None
    network: Handle
    channels: int = 4
    downscale: int = 8
    encoder: Handle | None = None
    space: LatentFormat | None = None
    buffers: int = 2
    socket: ClassVar[str] = "VAE"

    @property
    def lack(self) -> DiffusionError | None:
        """Why it cannot be used, if its file has no such network."""
        return self.network.part.lack


def forward(module: nn.Module, query: Query, x: Tensor, added: Residuals | None) -> Tensor:
    """Run a U-Net in its own number format; its output in float32."""
    kind = next(module.parameters()).dtype
    added = (added or Residuals()).each(lambda part: part.to(kind))
    output: Tensor = module(
        x.to(kind),
        torch.full((len(x),), query.timestep, device=x.device),
        encoder_hidden_states=query.tokens.to(kind),
        down_block_additional_residuals=added.skips or None,
        mid_block_additional_residual=added.middle[0] if added.middle else None,
        down_intrablock_additional_residuals=list(added.inner) or None,
        return_dict=False,
        **(query.vector.arguments(kind) if query.vector else {}),
    )[0]
    return output.float()


@contextmanager
def room(x: Tensor, module: nn.Module, memory: Memory, cell_px: int) -> Iterator[None]:
    """Refuse a picture that will not fit; while this lasts, tell so in the words of who chose its size.

    cell_px: the side of a latent cell.
    """
    size = f"{x.shape[-1] * cell_px} x {x.shape[-2] * cell_px} pixels"
    pictures = f"a picture of {size}" if len(x) == 1 else f"{len(x)} pictures of {size} at once"
    what = f"There is no room to denoise {pictures}"
    hint = "Lower the width, the height or the batch size."
    wanted = working_bytes(x, module)
    if wanted and not memory.has_room(wanted):
        free = memory.free_bytes()
        raise OutOfMemory(
            f"{what}: that needs {wanted / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free.", hint
        )
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not lacks_memory(error):
            raise
        raise OutOfMemory(f"{what}.", hint) from error


def working_bytes(x: Tensor, module: nn.Module) -> int:
    """At least how much memory a U-Net needs beside its weights: for the feature maps of its first level.

    Measured on a CPU: 18 feature maps as wide as the first where that level only convolves, and 32 where it
    also attends, when its widest layer makes eight of them. This counts 11 and 22.
    """
    names = ("conv_in", "down_blocks.0") if hasattr(module, "conv_in") else ()
    widths = [len(weight) for name in names for weight in module.get_submodule(name).parameters()]
    maps = 10 * min(widths, default=0) + 3 * max(widths, default=0) // 2
    return len(x) * x.shape[-1] * x.shape[-2] * maps * next(module.parameters()).dtype.itemsize


@contextmanager
def checked(parts: Iterable[nn.Module], check: Callable[[], None]) -> Iterator[None]:
    """While this lasts, `check` is called before each of these parts of a network."""
    if check is quiet:
        yield
        return
    hooks = [block.register_forward_pre_hook(lambda *_: check()) for block in parts]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def blocks(module: nn.Module) -> Iterator[nn.Module]:
    """What a network calls one after another: the innermost members of lists and chains that have parts."""
    for part in (*module.children(), *(inner for child in module.children() for inner in child.children())):
        if isinstance(part, nn.ModuleList | nn.Sequential):
            for block in part:
                if block._modules:
                    yield from list(blocks(block)) or (block,)
