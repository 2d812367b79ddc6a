"""Model files with few, random weights in the real formats: whole workflows run on a CPU in seconds.

    tiny.models(folder)             a models folder with one file of each kind, named as below
    tiny.families(folder)           one checkpoint of each other family beside it
    tiny.library(folder)            a ModelLibrary on it, computing in float32 on the CPU
    tiny.save_checkpoint(path)      Stable Diffusion 1 layout: U-Net, text encoder and VAE
    tiny.save_sd2(path), tiny.save_sdxl(path), tiny.save_refiner(path), tiny.save_x4(path)
    tiny.save_zero123(path)         with the image encoder that it reads, and no text encoder
    tiny.save_lora(path, style)     kohya or diffusers names
    tiny.save_controlnet(path)      original or library names
    tiny.save_gligen(path)          original or library names

The same seed gives the same file. `unet()`, `text_encoder()`, `vae()` and `controlnet()` build the library's
modules with the weights that the files hold, so a test can compare.
"""

import shutil
from dataclasses import replace
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, ControlNetModel, UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from diffusion import enlarger
from diffusion.blocks import (
    UnetShape,
    VaeShape,
    control_names,
    inverted,
    translated,
    unet_names,
    vae_names,
    vector_names,
)
from diffusion.library import ModelLibrary
from diffusion.memory import Memory, Policy

CHECKPOINT, INPAINTING, LORA, CONTROLNET, UPSCALER, GLIGEN = (
    "tiny.safetensors",
    "tiny_inpaint.safetensors",
    "tiny_lora.safetensors",
    "tiny_edges.safetensors",
    "tiny_2x.safetensors",
    "tiny_boxes.safetensors",
)
SD2, SDXL, REFINER = "tiny_sd2.safetensors", "tiny_sdxl.safetensors", "tiny_refiner.safetensors"
WIDTH, HEADS, GROUPS = 8, 2, 4
LAYERS = 3
CHANNELS, VAE_CHANNELS, X4_VAE_CHANNELS = (8, 16), (8, 8, 8, 8), (8, 8, 8)
LINEAR = {"use_linear_projection": True, "attention_head_dim": (2, 4)}
SDXL_UNET = LINEAR | {
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2),
    "cross_attention_dim": 2 * WIDTH,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": WIDTH + 6 * 256,
}
REFINER_UNET = SDXL_UNET | {
    "cross_attention_dim": WIDTH,
    "projection_class_embeddings_input_dim": WIDTH + 5 * 256,
}
X4_UNET = {
    "in_channels": 7,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    "use_linear_projection": True,
    "only_cross_attention": (False, True),
    "num_class_embeds": 1000,
}
METADATA = {
    "unet.num_heads": str(HEADS),
    "unet.head_channels": "4",
    "unet.norm_groups": str(GROUPS),
    "vae.norm_groups": str(GROUPS),
    "text.num_heads": str(HEADS),
}


def models(folder: Path) -> Path:
    """A models folder with one small file of each kind. They are made once and copied."""
    return Path(shutil.copytree(made().name, folder, dirs_exist_ok=True))


@cache
def made() -> TemporaryDirectory:
    """The files that `models` copies; deleted when the tests end."""
    temporary = TemporaryDirectory(prefix="tiny-models-")
    folder = Path(temporary.name)
    for kind in ("checkpoints", "loras", "controlnet", "embeddings", "upscale_models", "gligen"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    save_checkpoint(folder / "checkpoints" / CHECKPOINT)
    save_checkpoint(folder / "checkpoints" / INPAINTING, in_channels=9)
    save_lora(folder / "loras" / LORA)
    save_controlnet(folder / "controlnet" / CONTROLNET)
    save_gligen(folder / "gligen" / GLIGEN)
    save_file(rrdb(2).state_dict(), folder / "upscale_models" / UPSCALER)
    save_file({"emb_params": torch.ones(2, WIDTH)}, folder / "embeddings" / "shiny.safetensors")
    return temporary


def families(folder: Path) -> Path:
    """A models folder with a small checkpoint of each family but the first. They are made once and copied."""
    return Path(shutil.copytree(made_families().name, folder, dirs_exist_ok=True))


@cache
def made_families() -> TemporaryDirectory:
    """The files that `families` copies; deleted when the tests end."""
    temporary = TemporaryDirectory(prefix="tiny-families-")
    folder = Path(temporary.name) / "checkpoints"
    folder.mkdir()
    save_sd2(folder / SD2)
    save_sdxl(folder / SDXL)
    save_refiner(folder / REFINER)
    return temporary


def library(folder: Path, policy: Policy = "keep", limit_bytes: int | None = None) -> ModelLibrary:
    """A library on a models folder, computing in float32 on the CPU."""
    memory = Memory("cpu", limit_bytes, policy, "float32")
    return ModelLibrary(lambda kind: [folder / kind], memory)


def save_checkpoint(
    path: Path,
    seed: int = 1,
    *,
    in_channels: int = 4,
    parts: tuple[str, ...] = ("network", "text", "vae"),
    dtype: torch.dtype = torch.float16,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write a checkpoint in the layout of Stable Diffusion 1."""
    tensors: dict[str, Tensor] = {}
    if "network" in parts:
        names = inverted(unet_names(unet_shape(in_channels)))
        tensors |= renamed(unet(seed, in_channels), names, "model.diffusion_model.")
    if "text" in parts:
        tensors |= {
            f"cond_stage_model.transformer.text_model.{key}": value
            for key, value in text_encoder(seed).state_dict().items()
        }
    if "vae" in parts:
        tensors |= as_convolutions(renamed(vae(seed), inverted(vae_names(vae_shape())), "first_stage_model."))
    return saved(path, tensors, dtype, metadata)


def saved(
    path: Path,
    tensors: dict[str, Tensor],
    dtype: torch.dtype = torch.float16,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write tensors with the metadata that tells what shapes do not."""
    data = {key: value.to(dtype).contiguous() for key, value in tensors.items()}
    save_file(data, path, METADATA | (metadata or {}))
    return path


def save_sd2(path: Path, metadata: dict[str, str] | None = None, spread: float = 0.0) -> Path:
    """Write a checkpoint in the layout of Stable Diffusion 2.

    spread: of the bias that tells velocity from noise.
    """
    tensors = original_unet(unet(2, **LINEAR), UnetShape(CHANNELS, (1, 1), (1, 0), 1, WIDTH, True, 4))
    marker = "model.diffusion_model.output_blocks.3.1.transformer_blocks.0.norm1.bias"
    tensors[marker] = spread * torch.linspace(-1.5, 1.5, CHANNELS[0])
    tensors |= open_clip(open_text_encoder(2), "cond_stage_model.model.")
    return saved(path, tensors | original_vae(2), metadata=metadata)


def lotus_unet() -> nn.Module:
    """A Lotus, which is told its task in 4 numbers; its files have the library's names."""
    return unet(6, **LINEAR, class_embed_type="projection", projection_class_embeddings_input_dim=4)


def save_unclip(path: Path) -> Path:
    """Write a checkpoint in the layout of Stable unCLIP 2.1: it follows what its image encoder sees."""
    module = unet(4, **LINEAR, class_embed_type="projection", projection_class_embeddings_input_dim=2 * WIDTH)
    shape = UnetShape(CHANNELS, (1, 1), (1, 0), 1, WIDTH, True, 4, vector=2 * WIDTH)
    names = inverted(unet_names(shape) | vector_names("class_embedding"))
    tensors = renamed(module, names, "model.diffusion_model.") | original_vae(4)
    tensors |= open_clip(open_text_encoder(4), "cond_stage_model.model.")
    tensors |= open_visual(image_encoder(4).state_dict(), "embedder.model.visual.")
    tensors["noise_augmentor.data_mean"] = torch.linspace(-1, 1, WIDTH)[None]
    tensors["noise_augmentor.data_std"] = torch.linspace(0.5, 2, WIDTH)[None]
    return saved(path, tensors, torch.float32, {"vision.num_heads": str(HEADS)})


def save_sdxl(path: Path, metadata: dict[str, str] | None = None, **marks: Tensor) -> Path:
    """Write a checkpoint in the layout of SDXL, with marker tensors."""
    tensors = original_unet(unet(3, **SDXL_UNET), sdxl_shape(2 * WIDTH, WIDTH + 6 * 256))
    prefix = "conditioner.embedders.0.transformer.text_model."
    tensors |= {f"{prefix}{key}": value for key, value in text_encoder(3).state_dict().items()}
    tensors |= open_clip(open_text_encoder(3), "conditioner.embedders.1.model.")
    return saved(path, tensors | original_vae(3) | marks, metadata=metadata)


def save_refiner(path: Path) -> Path:
    """Write a checkpoint in the layout of SDXL's refiner."""
    tensors = original_unet(unet(4, **REFINER_UNET), sdxl_shape(WIDTH, WIDTH + 5 * 256))
    tensors |= open_clip(open_text_encoder(4), "conditioner.embedders.0.model.")
    return saved(path, tensors | original_vae(4))


def save_x4(path: Path) -> Path:
    """Write a checkpoint in the layout of the x4 upscaler."""
    shape = UnetShape(CHANNELS, (1, 1), (0, 1), 1, WIDTH, True, 7, classes=1000, crosses=(False, True))
    names = unet_names(shape) | vector_names("class_embedding")
    tensors = renamed(unet(6, **X4_UNET), inverted(names), "model.diffusion_model.")
    tensors |= open_clip(open_text_encoder(6), "cond_stage_model.model.")
    return saved(path, tensors | original_vae(6, X4_VAE_CHANNELS))


def save_zero123(path: Path) -> Path:
    """Write a checkpoint in the layout of Stable Zero123, as wide as it is where pictures are read."""
    network = unet(7, 8, cross_attention_dim=768)
    shape = replace(unet_shape(8), context=768)
    tensors = renamed(network, inverted(unet_names(shape)), "model.diffusion_model.") | original_vae(7)
    tensors |= open_visual(image_encoder(7, 768).state_dict(), "cond_stage_model.model.visual.")
    tensors["cond_stage_model.model.ln_final.weight"] = torch.ones(768)  # left of the text transformer
    projection = randomised(7, lambda: nn.Linear(772, 768))
    tensors |= {f"cc_projection.{key}": value for key, value in projection.state_dict().items()}
    return saved(path, tensors, torch.float32, {"vision.num_heads": str(HEADS)})


def sdxl_shape(context: int, vector: int) -> UnetShape:
    """The architecture of the small SDXL networks: attention on the coarser level only, two layers deep."""
    return UnetShape(CHANNELS, (1, 1), (0, 2), 2, context, True, 4, vector=vector)


def original_unet(module: nn.Module, shape: UnetShape) -> dict[str, Tensor]:
    """A U-Net's weights under original names."""
    names = unet_names(shape) | vector_names("add_embedding")
    return renamed(module, inverted(names), "model.diffusion_model.")


def original_vae(seed: int, channels: tuple[int, ...] = VAE_CHANNELS) -> dict[str, Tensor]:
    """A VAE's weights under original names."""
    names = inverted(vae_names(VaeShape(channels, 1, 4)))
    return as_convolutions(renamed(vae(seed, channels), names, "first_stage_model."))


def open_clip(module: nn.Module, prefix: str, layers: int = LAYERS) -> dict[str, Tensor]:
    """A text encoder with projection in OpenCLIP's layout."""
    state = {key.removeprefix("text_model."): value for key, value in module.state_dict().items()}
    tensors = {
        "token_embedding.weight": state["embeddings.token_embedding.weight"],
        "positional_embedding": state["embeddings.position_embedding.weight"],
        "ln_final.weight": state["final_layer_norm.weight"],
        "ln_final.bias": state["final_layer_norm.bias"],
        "text_projection": state["text_projection.weight"].T,
        "logit_scale": torch.tensor(4.0),
    }
    return {f"{prefix}{key}": value for key, value in (tensors | open_layers(state, layers)).items()}


def open_layers(state: dict[str, Tensor], layers: int) -> dict[str, Tensor]:
    """The layers of a transformer in OpenCLIP's layout."""
    tensors: dict[str, Tensor] = {}
    places = {
        "self_attn.out_proj": "attn.out_proj",
        "layer_norm1": "ln_1",
        "layer_norm2": "ln_2",
        "mlp.fc1": "mlp.c_fc",
        "mlp.fc2": "mlp.c_proj",
    }
    for layer in range(layers):
        ours, theirs = f"encoder.layers.{layer}", f"transformer.resblocks.{layer}"
        for kind in ("weight", "bias"):
            rows = [state[f"{ours}.self_attn.{name}.{kind}"] for name in ("q_proj", "k_proj", "v_proj")]
            tensors[f"{theirs}.attn.in_proj_{kind}"] = torch.cat(rows)
            for name, place in places.items():
                tensors[f"{theirs}.{place}.{kind}"] = state[f"{ours}.{name}.{kind}"]
    return tensors


def save_parts(folder: Path) -> Path:
    """A models folder with a U-Net, text encoders and a VAE of SDXL, each alone in a file."""
    for kind in ("diffusion_models", "text_encoders", "vae"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    large = open_text_encoder(3).state_dict()
    small = {f"text_model.{key}": value for key, value in text_encoder(3).state_dict().items()}
    saved(folder / "text_encoders" / "clip_l.safetensors", small)
    saved(folder / "text_encoders" / "clip_g.safetensors", large, metadata={"text.encoder": "clip_g"})
    saved(
        folder / "text_encoders" / "open_clip_g.safetensors",
        open_clip(open_text_encoder(3), ""),
        metadata={"text.encoder": "clip_g"},
    )
    saved(folder / "vae" / "original.safetensors", original_vae(3))
    saved(folder / "vae" / "library.safetensors", vae(3).state_dict())
    saved(folder / "diffusion_models" / "library.safetensors", unet(3, **SDXL_UNET).state_dict())
    tensors = original_unet(unet(3, **SDXL_UNET), sdxl_shape(2 * WIDTH, WIDTH + 6 * 256))
    saved(folder / "diffusion_models" / "original.safetensors", tensors)
    return folder


def save_lora(path: Path, style: str = "kohya", seed: int = 3, rank: int = 2) -> Path:
    """Write a LoRA on attention and convolutions. Styles: kohya, original, diffusers."""
    random = torch.Generator().manual_seed(seed)
    targets = [("unet", key, value) for key, value in unet().state_dict().items() if lora_target(key)]
    targets += [
        ("text", key, value) for key, value in text_encoder().state_dict().items() if lora_target(key)
    ]
    tensors: dict[str, Tensor] = {}
    for network, key, weight in targets:
        module = lora_module(network, key.removesuffix(".weight"), style)
        kernel = weight.shape[2:]
        down = torch.randn(rank, weight.shape[1], *kernel, generator=random) * 0.3
        up = torch.randn(weight.shape[0], rank, *(1 for _ in kernel), generator=random) * 0.3
        low, high = ("lora_A", "lora_B") if style == "diffusers" else ("lora_down", "lora_up")
        tensors |= {f"{module}.{low}.weight": down, f"{module}.{high}.weight": up}
        if style != "diffusers":
            tensors[f"{module}.alpha"] = torch.tensor(rank / 2)
    save_file(tensors, path)
    return path


def lora_target(key: str) -> bool:
    """Whether the LoRA of `save_lora` changes a weight."""
    return key.endswith(
        (".to_q.weight", ".to_out.0.weight", ".q_proj.weight", ".proj_in.weight", "conv1.weight")
    )


def lora_module(network: str, module: str, style: str) -> str:
    """How a LoRA file spells a module's name."""
    if style == "diffusers":
        return f"unet.{module}" if network == "unet" else f"text_encoder.text_model.{module}"
    if network == "text":
        return f"lora_te_text_model_{module.replace('.', '_')}"
    if style == "original":
        module = translated(module, inverted(unet_names(unet_shape()))) or ""
    return f"lora_unet_{module.replace('.', '_')}"


def save_controlnet(path: Path, layout: str = "original", seed: int = 4) -> Path:
    """Write a ControlNet with original names or the library's."""
    module = controlnet(seed)
    names = inverted(control_names(unet_shape()))
    tensors = renamed(module, names, "control_model.") if layout == "original" else module.state_dict()
    save_file({key: value.contiguous() for key, value in tensors.items()}, path, METADATA)
    return path


def save_gligen(path: Path, layout: str = "original") -> Path:
    """Write a GLIGEN for the small checkpoint, with original names or the library's."""
    names = inverted(unet_names(unet_shape()))
    tensors = {
        key if layout == "library" else translated(key, names) or key: value
        for key, value in grounded_unet().state_dict().items()
        if ".fuser." in key or key.startswith("position_net.")
    }
    return saved(path, tensors, metadata={"gligen.num_heads": str(HEADS)})


def grounded_unet() -> nn.Module:
    """The U-Net of the small checkpoint with what its GLIGEN adds."""
    module = unet(8, attention_type="gated")
    module.load_state_dict(unet().state_dict(), strict=False)
    return module


def unet_shape(in_channels: int = 4) -> UnetShape:
    """The architecture of the U-Net: two levels, attention on the finer one and in the middle."""
    return UnetShape(CHANNELS, (1, 1), (1, 0), 1, WIDTH, False, in_channels)


def vae_shape() -> VaeShape:
    """The architecture of the VAE: four levels, so that one latent cell is 8 x 8 pixels."""
    return VaeShape(VAE_CHANNELS, 1, 4)


def unet(seed: int = 1, in_channels: int = 4, **config: object) -> nn.Module:
    """The U-Net that the checkpoint of that seed holds; `config` is what another family has otherwise."""
    settings: dict[str, object] = {
        "in_channels": in_channels,
        "block_out_channels": CHANNELS,
        "layers_per_block": 1,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        "cross_attention_dim": WIDTH,
        "attention_head_dim": HEADS,
        "norm_num_groups": GROUPS,
    }
    return randomised(seed, lambda: UNet2DConditionModel(**settings | config))


def controlnet(seed: int = 4) -> nn.Module:
    """The ControlNet that the file of that seed holds; its outputs are not zero."""
    return randomised(
        seed,
        lambda: ControlNetModel(
            block_out_channels=CHANNELS,
            layers_per_block=1,
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            cross_attention_dim=WIDTH,
            attention_head_dim=HEADS,
            norm_num_groups=GROUPS,
            conditioning_embedding_out_channels=(4, 4, 8, 8),
        ),
    )


def text_encoder(seed: int = 1) -> nn.Module:
    """The text encoder that the checkpoint of that seed holds: CLIP's vocabulary, three layers."""

    def build() -> nn.Module:
        module = CLIPTextModel(text_config(hidden_act="quick_gelu"))
        return getattr(module, "text_model", module)

    return randomised(seed, build)


def open_text_encoder(seed: int) -> nn.Module:
    """The text encoder with projection that a checkpoint holds in OpenCLIP's layout."""
    config = text_config(hidden_act="gelu", projection_dim=WIDTH)
    return randomised(seed + 100, lambda: CLIPTextModelWithProjection(config))


def image_encoder(seed: int = 5, projection: int = WIDTH) -> nn.Module:
    """The image encoder with projection that the files of that seed hold: 4 x 4 patches of 7 x 7 pixels."""
    config = CLIPVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        image_size=28,
        patch_size=7,
        projection_dim=projection,
        hidden_act="quick_gelu",
    )
    return randomised(seed, lambda: CLIPVisionModelWithProjection(config))


def save_image_encoder(path: Path, layout: str = "library", seed: int = 5) -> Path:
    """Write an image encoder in the library's layout or OpenCLIP's."""
    state = image_encoder(seed).state_dict()
    tensors = state if layout == "library" else open_visual(state, "visual.")
    return saved(path, tensors, metadata={"vision.num_heads": str(HEADS)})


def open_visual(state: dict[str, Tensor], prefix: str, layers: int = LAYERS) -> dict[str, Tensor]:
    """An image encoder with projection in OpenCLIP's layout."""
    inside = "vision_model."
    ends = {
        "class_embedding": state[f"{inside}embeddings.class_embedding"],
        "conv1.weight": state[f"{inside}embeddings.patch_embedding.weight"],
        "positional_embedding": state[f"{inside}embeddings.position_embedding.weight"],
        "proj": state["visual_projection.weight"].T,
    }
    for theirs, ours in (("ln_pre", "pre_layrnorm"), ("ln_post", "post_layernorm")):
        ends |= {f"{theirs}.{kind}": state[f"{inside}{ours}.{kind}"] for kind in ("weight", "bias")}
    tensors = ends | open_layers({key.removeprefix(inside): value for key, value in state.items()}, layers)
    return {f"{prefix}{key}": value for key, value in tensors.items()}


IP_ADAPTERS = {"sd15": ((8, 8, 8, 16), WIDTH), "sdxl": ((16,) * 8, 2 * WIDTH)}
"""How wide the cross attentions of the small U-Nets are, in the order of files, and their prompts."""


def ip_adapter(layout: str = "plain", family: str = "sd15", seed: int = 7) -> dict[str, Tensor]:
    """An IP-Adapter for a small model: plain, plus or full-face, as its file names the weights."""
    random = torch.Generator().manual_seed(seed)
    widths, context = IP_ADAPTERS[family]
    linear, norm = partial(weights, random), partial(normed, random)
    if layout == "plain":
        image = linear("proj", 4 * context, WIDTH, bias=True) | norm("norm", context)
    elif layout == "full-face":
        image = linear("proj.0", 12, WIDTH, bias=True) | linear("proj.2", context, 12, bias=True)
        image |= norm("proj.3", context)
    else:
        image = {"latents": torch.randn(1, 16, 12, generator=random)}
        image |= linear("proj_in", 12, WIDTH, bias=True) | linear("proj_out", context, 12, bias=True)
        image |= norm("norm_out", context)
        for layer in range(2):
            place = f"layers.{layer}.0"
            image |= norm(f"{place}.norm1", 12) | norm(f"{place}.norm2", 12)
            image |= linear(f"{place}.to_q", 128, 12) | linear(f"{place}.to_kv", 256, 12)
            image |= linear(f"{place}.to_out", 12, 128) | norm(f"layers.{layer}.1.0", 12)
            image |= linear(f"layers.{layer}.1.1", 24, 12) | linear(f"layers.{layer}.1.3", 12, 24)
    tensors = {f"image_proj.{key}": value for key, value in image.items()}
    for index, width in enumerate(widths):
        for name in ("to_k_ip", "to_v_ip"):
            tensors |= linear(f"ip_adapter.{2 * index + 1}.{name}", width, context)
    return tensors


def weights(
    random: torch.Generator, name: str, rows: int, columns: int, bias: bool = False
) -> dict[str, Tensor]:
    """A matrix under a name."""
    made = {f"{name}.weight": torch.randn(rows, columns, generator=random)}
    return made | ({f"{name}.bias": torch.randn(rows, generator=random)} if bias else {})


def normed(random: torch.Generator, name: str, width: int) -> dict[str, Tensor]:
    """A layer norm under a name."""
    return {f"{name}.{kind}": torch.randn(width, generator=random) for kind in ("weight", "bias")}


def text_config(**more: object) -> CLIPTextConfig:
    """The settings of the small text encoders."""
    return CLIPTextConfig(
        vocab_size=49408,
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        eos_token_id=49407,
        bos_token_id=49406,
        pad_token_id=49407,
        **more,
    )


def vae(seed: int = 1, channels: tuple[int, ...] = VAE_CHANNELS) -> nn.Module:
    """The VAE that the checkpoint of that seed holds."""
    return randomised(
        seed,
        lambda: AutoencoderKL(
            block_out_channels=channels,
            down_block_types=("DownEncoderBlock2D",) * len(channels),
            up_block_types=("UpDecoderBlock2D",) * len(channels),
            layers_per_block=1,
            latent_channels=4,
            norm_num_groups=GROUPS,
        ),
    )


def taesd(channels: int = 4) -> nn.Module:
    """A VAE of that kind, smaller, whose latents have so many channels."""
    widths = {f"{side}_block_out_channels": (4,) * 4 for side in ("encoder", "decoder")}
    blocks = {"num_encoder_blocks": (1, 1, 2, 1), "num_decoder_blocks": (1, 2, 1, 1)}
    return randomised(3, lambda: AutoencoderTiny(latent_channels=channels, **widths, **blocks))


def taesd_half(side: str, channels: int = 4, prefix: str = "") -> dict[str, Tensor]:
    """The encoder or the decoder of a TAESD as its author's file numbers it: a decoder's layers from 1 on."""
    tensors = {}
    for key, weight in getattr(taesd(channels), side).state_dict().items():
        _layers, number, tail = key.split(".", 2)
        tensors[f"{prefix}{int(number) + (side == 'decoder')}.{tail}"] = weight
    return tensors


def rrdb(scale: int = 2, shuffle: int = 1, colours: int = 3) -> nn.Module:
    """An ESRGAN with two blocks; its input may be shuffled into channels."""
    options = {"shuffle_factor": shuffle} if shuffle > 1 else {}
    sizes = {"in_nc": colours * shuffle**2, "out_nc": colours, "scale": scale * shuffle}
    build = enlarging("ESRGAN").ESRGAN
    return randomised(5, lambda: build(num_filters=4, num_blocks=2, **sizes, **options))


def enlarging(architecture: str) -> ModuleType:
    """The module of the library of upscalers that has an architecture's networks."""
    enlarger.library()
    return import_module(f"spandrel.architectures.{architecture}")


def randomised(seed: int, build) -> nn.Module:
    """A module whose every weight is random, and exactly a float16 number."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        module = build().eval().requires_grad_(False)
        for weight in module.parameters():
            weight.copy_((weight + 0.1 * torch.randn(weight.shape)).half().float())
    return module


def renamed(module: nn.Module, names: dict[str, str], prefix: str) -> dict[str, Tensor]:
    """A module's weights under the field's names."""
    return {f"{prefix}{translated(key, names)}": value for key, value in module.state_dict().items()}


def as_convolutions(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The attention of a VAE as 1x1 convolutions, as the field stores it."""
    return {
        key: value[:, :, None, None] if ".mid.attn_1." in key and value.ndim == 2 else value
        for key, value in tensors.items()
    }
