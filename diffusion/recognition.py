"""Which family a checkpoint belongs to, and what it brings that is its own."""

from dataclasses import replace

import msgspec

from diffusion.checkpoint import Header
from diffusion.errors import BrokenFile, UnknownCheckpoint
from diffusion.families import FAMILIES
from diffusion.family import Family, Rgb
from diffusion.strangers import stranger

OWN_PREVIEW = "preview.latent_rgb"
"""The metadata of a checkpoint whose VAE is its own, with the colours of its latents."""


def recognised(header: Header) -> Family:
    """The family a checkpoint belongs to.

    Raises UnknownCheckpoint: what the file is if that is known, else each family's reason.
    """
    refusals: dict[str, list[str]] = {}
    for family in FAMILIES:
        reason = family.refuses(header)
        if reason is None:
            return family
        refusals.setdefault(reason, []).append(family.title)
    reasons = [f"not {' or '.join(titles)}, because {reason}" for reason, titles in refusals.items()]
    known = ", ".join(family.title for family in FAMILIES)
    if kind := stranger(header):
        raise UnknownCheckpoint(
            f"{header.name} is {kind.what}, not a model that this program runs.",
            kind.remedy or f"Choose a checkpoint of {known}.",
        )
    raise UnknownCheckpoint(
        f"{header.name} is of no model family this program knows: {'; '.join(reasons)}.",
        f"Choose a checkpoint of {known}.",
    )


def with_own_preview(family: Family, header: Header) -> Family:
    """The family with the preview colours that the file's metadata brings for its own VAE.

    `preview.latent_rgb` is JSON: red, green and blue for each latent channel, and then a row that is added.
    """
    text = header.metadata.get(OWN_PREVIEW)
    if text is None:
        return family
    try:
        rows = msgspec.json.decode(text, type=tuple[Rgb, ...])
    except msgspec.MsgspecError as error:
        raise BrokenFile(f"The preview colours in {header.name}'s metadata are broken: {error}.") from error
    if len(rows) != family.latent.channels + 1:
        raise BrokenFile(
            f"{header.name} has {len(rows)} rows of preview colours; {family.latent.channels + 1} are needed."
        )
    return replace(family, preview=rows[:-1], preview_bias=rows[-1])
