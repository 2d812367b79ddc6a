"""Small models in the real file formats."""

from pathlib import Path

import pytest

from diffusion.library import Checkpoint, ModelLibrary
from tests import tiny


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with one small file of each kind. Read only."""
    return tiny.models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def library(tiny_models: Path) -> ModelLibrary:
    """A library on the small models, float32 on the CPU."""
    return tiny.library(tiny_models)


@pytest.fixture
def checkpoint(library: ModelLibrary) -> Checkpoint:
    """Model, text encoder and VAE of the small checkpoint."""
    return library.checkpoint(tiny.CHECKPOINT)


@pytest.fixture
def tiny_sd15(tiny_models: Path) -> Path:
    """The file of the small checkpoint."""
    return tiny_models / "checkpoints" / tiny.CHECKPOINT


@pytest.fixture(scope="session")
def family_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with one small checkpoint of each family but the first. Read only."""
    return tiny.families(tmp_path_factory.mktemp("families"))


@pytest.fixture
def family_library(family_models: Path) -> ModelLibrary:
    """A library on them, float32 on the CPU."""
    return tiny.library(family_models)
