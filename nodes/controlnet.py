"""Nodes that steer a diffusion model with a picture."""

from dataclasses import replace
from typing import Annotated, NamedTuple

from diffusion.controlnet import ControlNet
from diffusion.model import Vae
from diffusion.values import Conditioning, Image
from graph.define import node
from graph.widgets import Range


class Steered(NamedTuple):
    """Both conditionings with the control attached."""

    positive: Conditioning
    negative: Conditioning


@node(
    "ControlNetApplyAdvanced",
    category="conditioning/controlnet",
    title="Apply ControlNet",
    outputs=("positive", "negative"),
)
def apply_controlnet(
    positive: Conditioning,
    negative: Conditioning,
    control_net: ControlNet,
    image: Image,
    strength: Annotated[float, Range(0.0, 10.0, step=0.01)] = 1.0,
    start_percent: Annotated[float, Range(0.0, 1.0, step=0.001)] = 0.0,
    end_percent: Annotated[float, Range(0.0, 1.0, step=0.001)] = 1.0,
    vae: Vae | None = None,  # noqa: ARG001  only controls that work on latents read it
) -> Steered:
    """Steer a diffusion model with a hint picture, such as edges or depth. Several can be chained.

    Args:
        positive: The prompt that is wanted.
        negative: The prompt that is not.
        control_net: The network that reads the hint.
        image: The hint picture.
        strength: How strongly it steers.
        start_percent: The part of the sampling after which it acts, 0 from the beginning.
        end_percent: The part of the sampling until which it acts, 1 to the end.
        vae: Only for controls that read a latent.
    """
    if strength == 0:
        return Steered(positive, negative)
    control = control_net.control(image, strength, start_percent, end_percent)
    return Steered(
        *(
            each.each(lambda entry: replace(entry, controls=(*entry.controls, control)))
            for each in (positive, negative)
        )
    )
