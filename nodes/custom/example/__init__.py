"""An example pack: film looks. Copy this folder, rename it, and restart; README.md explains every line."""

from typing import Annotated

import torch

from nodes import Image, Range, Row, Seed, WorkflowError, node

Share = Annotated[float, Range(0.0, 1.0, step=0.01, slider=True)]


@node(category="image/film", title="Film Look")
def film_look(image: Image, grain: Share = 0.15, vignette: Share = 0.3, seed: Seed = 0) -> Image:
    """Add film grain and darken the corners.

    Args:
        grain: How coarse the film is.
        vignette: How dark the corners are; 1 is black.
        seed: The same seed gives the same grain.

    Returns:
        The developed picture.
    """
    _, height, width, _ = image.shape
    rows, columns = torch.linspace(-1, 1, height)[:, None], torch.linspace(-1, 1, width)[None, :]
    light = 1 - vignette * (rows**2 + columns**2) / 2
    noise = torch.randn(image.shape[:3], generator=torch.Generator().manual_seed(seed % 2**63))
    developed = (image + grain * 0.2 * noise[..., None].to(image)) * light[..., None].to(image)
    return Image(developed.clamp(0, 1))


@node(category="image/film", title="Contact Sheet")
def contact_sheet(
    gap: Annotated[int, Range(0, 256)] = 8, *images: Annotated[Image, Row("image", least=2, most=16)]
) -> Image:
    """Put pictures of one height side by side, on black.

    Args:
        gap: Pixels between two pictures.
        images: From left to right.
    """
    heights = {image.shape[1] for image in images}
    if len(heights) > 1:
        raise WorkflowError(
            f"The pictures have the heights {sorted(heights)}; side by side they need one.",
            "Resize them to one height first.",
        )
    batch = max(image.shape[0] for image in images)
    strips = [image.expand(batch, -1, -1, -1) for image in images]
    blank = torch.zeros_like(strips[0][:, :, :1]).expand(-1, -1, gap, -1)
    parts = [part for strip in strips for part in (blank, strip)]
    return Image(torch.cat(parts[1:], dim=2))
