"""Nodes that write models and latents to files, and read latents again."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from diffusion.clip_vision import ClipVision
from diffusion.extraction import Wanted, pieces, write_lora
from diffusion.latent_file import SUFFIX, read_latent, write_latent
from diffusion.model import Model, TextEncoder, Vae
from diffusion.saving import (
    VAE,
    Saved,
    alone,
    beside,
    network_of,
    texts_of,
    vae_of,
    vision_of,
    write_weights,
)
from diffusion.values import Latent
from graph.define import node
from graph.services import Inputs, Outputs, Progress, quiet
from graph.widgets import FileIn, Range

Encode: TypeAlias = Callable[[Path, Mapping[str, str]], None]


@node("CheckpointSave", category="advanced/model_merging", title="Save Checkpoint")
def checkpoint_save(
    model: Model,
    clip: TextEncoder,
    vae: Vae,
    filename_prefix: str = "checkpoints/Photogram",
    *,
    outputs: Outputs,
) -> None:
    """Keep a diffusion model, its text encoder and its VAE as one file in the output folder, with patches.

    Args:
        model: The diffusion model.
        clip: The text encoder.
        vae: The VAE.
        filename_prefix: How the file's name begins. A slash makes a folder.
    """
    _save([network_of(model), beside(model), *texts_of(clip), *vae_of(vae, VAE)], filename_prefix, outputs)


@node("ImageOnlyCheckpointSave", category="advanced/model_merging", title="ImageOnlyCheckpointSave")
def image_only_checkpoint_save(
    model: Model,
    clip_vision: ClipVision,
    vae: Vae,
    filename_prefix: str = "checkpoints/Photogram",
    *,
    outputs: Outputs,
) -> None:
    """Keep a diffusion model that reads pictures, its image encoder and its VAE as one file, with patches.

    It lies in the output folder; Image Only Checkpoint Loader reads it.

    Args:
        model: The diffusion model.
        clip_vision: The image encoder.
        vae: The VAE.
        filename_prefix: How the file's name begins. A slash makes a folder.
    """
    parts = [network_of(model), beside(model), vision_of(clip_vision), *vae_of(vae, VAE)]
    _save(parts, filename_prefix, outputs)


@node("ModelSave", category="advanced/model_merging", title="ModelSave")
def model_save(
    model: Model, filename_prefix: str = "diffusion_models/Photogram", *, outputs: Outputs
) -> None:
    """Keep a diffusion model as a file in the output folder, with all patches.

    Args:
        model: The diffusion model.
        filename_prefix: How the file's name begins. A slash makes a folder.
    """
    _save([network_of(model), beside(model)], filename_prefix, outputs)


@node("VAESave", category="advanced/model_merging", title="VAESave")
def vae_save(vae: Vae, filename_prefix: str = "vae/Photogram_vae", *, outputs: Outputs) -> None:
    """Keep a VAE as a file in the output folder.

    Args:
        vae: The VAE.
        filename_prefix: How the file's name begins. A slash makes a folder.
    """
    _save(vae_of(vae), filename_prefix, outputs)


@node("CLIPSave", category="advanced/model_merging", title="CLIPSave")
def clip_save(clip: TextEncoder, filename_prefix: str = "clip/Photogram", *, outputs: Outputs) -> None:
    """Keep a text encoder in the output folder, each of its networks as a file, with all patches.

    Args:
        clip: The text encoder.
        filename_prefix: How the files' names begin; the network's name follows. A slash makes a folder.
    """
    for name, part in alone(clip).items():
        _save([part], f"{filename_prefix}_{name}", outputs, {"text.encoder": name})


@node("LoraSave", category="_for_testing", title="Extract and Save Lora", experimental=True)
def lora_save(
    filename_prefix: str = "loras/Photogram_extracted_lora",
    rank: Annotated[int, Range(1, 4096, step=1)] = 8,
    lora_type: Literal["standard", "full_diff"] = "standard",
    bias_diff: bool = True,
    model_diff: Model | None = None,
    text_encoder_diff: TextEncoder | None = None,
    *,
    outputs: Outputs,
    progress: Progress = quiet,
) -> None:
    """Make a LoRA out of the difference of two models, and keep it in the output folder.

    Args:
        filename_prefix: How the file's name begins. A slash makes a folder.
        rank: How many directions of each weight are kept: more is nearer to the difference, and larger.
        lora_type: Narrow matrices, or the whole difference as it is.
        bias_diff: Keep what is only added, too.
        model_diff: What ModelMergeSubtract gives.
        text_encoder_diff: What CLIPMergeSubtract gives.
    """
    wanted = Wanted(rank if lora_type == "standard" else None, bias_diff)
    made = pieces(model_diff, text_encoder_diff, wanted, progress)
    _keep(partial(write_lora, made), filename_prefix, ".safetensors", outputs)


@node("SaveLatent", category="_for_testing", title="SaveLatent")
def save_latent(samples: Latent, filename_prefix: str = "latents/Photogram", *, outputs: Outputs) -> None:
    """Keep a latent as a file in the output folder, with the workflow inside; its mask is not kept.

    Args:
        samples: The latent.
        filename_prefix: How the file's name begins. A slash makes a folder.
    """
    _keep(partial(write_latent, samples), filename_prefix, SUFFIX, outputs)


@node("LoadLatent", category="_for_testing", title="LoadLatent", outputs=("LATENT",))
def load_latent(latent: Annotated[str, FileIn("latents")], *, inputs: Inputs) -> Latent:
    """Read a latent from a file in the input folder.

    Args:
        latent: The file.

    Returns:
        The latent.
    """
    return read_latent(inputs.path(latent))


def _save(parts: list[Saved], prefix: str, outputs: Outputs, facts: Mapping[str, str] | None = None) -> None:
    def encode(path: Path, texts: Mapping[str, str]) -> None:
        write_weights(parts, path, {**texts, **(facts or {})})

    _keep(encode, prefix, ".safetensors", outputs)


def _keep(encode: Encode, prefix: str, suffix: str, outputs: Outputs) -> None:
    outputs.save(encode, prefix=prefix, suffix=suffix, shown={"kind": "file"})
