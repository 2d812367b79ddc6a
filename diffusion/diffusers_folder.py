"""Models as the diffusers library keeps them: a folder with an index, and a folder in it for each network."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from diffusion.errors import BrokenFile, MissingFile
from diffusion.library import Checkpoint, ModelLibrary, is_inside
from diffusion.model import Model, Vae
from diffusion.noise_range import linear_betas
from diffusion.opening import open_vae
from diffusion.pickled import SUFFIXES
from diffusion.prediction import EPSILON, VELOCITY

KIND, INDEX = "diffusers", "model_index.json"
SCHEDULER = "scheduler/scheduler_config.json"
TEXT_ENCODERS = ("text_encoder", "text_encoder_2")
ENDINGS = (".safetensors", ".fp16.safetensors", *SUFFIXES)
"""How a file of weights may end, the best first."""
PREDICTIONS = {"epsilon": EPSILON, "v_prediction": VELOCITY}


def open_folder(library: ModelLibrary, name: str) -> Checkpoint:
    """The model, text encoder and VAE of a folder.

    Raises MissingFile if it is not there or lacks a network, UnknownCheckpoint if no family recognises it.
    """
    folder = find_folder(library, name)
    network = weights(folder, "unet", "diffusion_pytorch_model")
    found = [part for part in TEXT_ENCODERS if (folder / part).is_dir()] or TEXT_ENCODERS[:1]
    texts = [weights(folder, part, "model") for part in found]
    decoder = weights(folder, "vae", "diffusion_pytorch_model")
    model = library.opened(KIND, f"{name}/{network}", Model, library.open_model)
    vae = library.opened(KIND, f"{name}/{decoder}", Vae, open_vae)
    clip = library.text_encoder([f"{name}/{each}" for each in texts], kind=KIND)
    return Checkpoint(told(model, folder / SCHEDULER), clip, replace(vae, family=model.family.name))


def find_folder(library: ModelLibrary, name: str) -> Path:
    """Where a folder of that name lies, with an index inside."""
    for root in library.roots(KIND) if is_inside(name) else ():
        if (root / name / INDEX).is_file():
            return root / name
    raise MissingFile(
        f"There is no model {name!r} in the {KIND} folder.",
        f"Put its folder, with its {INDEX}, into models/{KIND}.",
    )


def weights(folder: Path, part: str, stem: str) -> str:
    """The file of weights of a network, relative to the folder; the first of those that suit."""
    for ending in ENDINGS:
        if (folder / part / f"{stem}{ending}").is_file():
            return f"{part}/{stem}{ending}"
    more = " It is in pieces, which cannot be read." if list((folder / part).glob(f"{stem}*-of-*")) else ""
    raise MissingFile(
        f"{folder.name} has no weights in the folder {part}.{more}",
        f"Put {stem}.safetensors there, in one file.",
    )


def told(model: Model, path: Path) -> Model:
    """A model with what its scheduler's settings say of it, if there are any."""
    if not path.is_file():
        return model
    said = settings(path)
    prediction = PREDICTIONS.get(str(said.get("prediction_type")), model.prediction)
    ends_in_noise = said.get("rescale_betas_zero_snr") is True
    noise = linear_betas(*model.family.betas, zero_terminal=True) if ends_in_noise else model.noise
    return replace(model, prediction=prediction, noise=noise)


def settings(path: Path) -> dict[str, Any]:
    """A JSON object from a file."""
    try:
        said = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BrokenFile(
            f"{path.name} of {path.parent.parent.name} is not JSON.", "Download it again."
        ) from error
    return said if isinstance(said, dict) else {}
