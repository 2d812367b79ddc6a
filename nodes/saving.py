"""Nodes that write models to files."""

from functools import partial

from diffusion.model import Model, TextEncoder, Vae
from diffusion.saving import VAE, Saved, network_of, texts_of, vae_of, write_weights
from graph.define import node
from graph.services import Outputs


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
    _save([network_of(model), *texts_of(clip), vae_of(vae, VAE)], filename_prefix, outputs)


@node("ModelSave", category="advanced/model_merging", title="ModelSave")
def model_save(
    model: Model, filename_prefix: str = "diffusion_models/Photogram", *, outputs: Outputs
) -> None:
    """Keep a diffusion model as a file in the output folder, with all patches.

    Args:
        model: The diffusion model.
        filename_prefix: How the file's name begins. A slash makes a folder.
    """
    _save([network_of(model)], filename_prefix, outputs)


@node("VAESave", category="advanced/model_merging", title="VAESave")
def vae_save(vae: Vae, filename_prefix: str = "vae/Photogram_vae", *, outputs: Outputs) -> None:
    """Keep a VAE as a file in the output folder.

    Args:
        vae: The VAE.
        filename_prefix: How the file's name begins. A slash makes a folder.
    """
    _save([vae_of(vae)], filename_prefix, outputs)


def _save(parts: list[Saved], prefix: str, outputs: Outputs) -> None:
    outputs.save(partial(write_weights, parts), prefix=prefix, suffix=".safetensors", shown={"kind": "file"})
