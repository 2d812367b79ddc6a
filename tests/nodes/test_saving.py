from pathlib import Path

import pytest

from nodes.saving import checkpoint_save, model_save, vae_save
from tests import tiny


class Folder:
    """An output folder that writes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def save(self, encode, *, prefix, suffix, shown, temporary=False):
        path = self.root / f"{prefix}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        encode(path, {"workflow": "{}"})


@pytest.fixture
def library(tmp_path):
    return tiny.library(tiny.models(tmp_path))


def test_what_was_saved_can_be_loaded(library, tmp_path):
    model, text, vae = library.checkpoint(tiny.CHECKPOINT)
    checkpoint_save(model, text, vae, outputs=Folder(tmp_path))
    model_save(model, outputs=Folder(tmp_path))
    vae_save(vae, outputs=Folder(tmp_path))
    assert library.checkpoint("Photogram.safetensors").model.family is model.family
    assert library.diffusion_model("Photogram.safetensors").in_channels == 4
    assert library.vae("Photogram_vae.safetensors").channels == 4
