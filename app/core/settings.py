"""Everything a person can set, as one typed value that changes by copy."""

from __future__ import annotations

import msgspec

from app.core.tools import Grant, Rule, ServerEntry


class Sampling(msgspec.Struct, frozen=True):
    """Sampler settings; None means the model family's recommended value. Temperature 0 is greedy."""

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None  # None: another one for every answer
    max_tokens: int | None = None  # None: until the context is full


class LoadOptions(msgspec.Struct, frozen=True):
    """How a model is loaded. Sizes in tokens; 0, -1 and "" leave the choice to the program."""

    context: int = 0  # 0: what the memory plan chooses, DEFAULT_CONTEXT as a rule
    batch: int = 0  # n_batch and n_ubatch; 0: what the memory plan chooses
    threads: int = 0  # 0: the governor chooses
    gpu_layers: int = -1  # -1: as many as the cards take
    kv_type: str = ""  # f16 | q8_0 | q4_0; "": what the memory plan chooses
    flash_attention: str = "auto"  # auto | on | off
    device: str = ""  # the one card, by ggml's name, that is used; "": all
    avoid: tuple[str, ...] = ()  # cards, by their descriptions, that were set aside
    encoder_avoid: tuple[str, ...] = ()  # cards that were set aside for pictures only
    images: str = ""  # where they are looked at: "": on the card where one is | memory | off: not at all


DEFAULT_CONTEXT = 8192


class Settings(msgspec.Struct, frozen=True):
    """Settings of the whole program. Stored as JSON; unknown fields are ignored, missing ones take these defaults."""

    version: int = 1
    model_path: str = ""
    image_parts: tuple[tuple[str, str], ...] = ()  # model file and the image part that was named for it, the last first
    load: LoadOptions = LoadOptions()
    sampling: Sampling = Sampling()
    system_prompt: str = ""
    stamp_date: bool = False  # write the day a chat began into its system text
    theme: str = "system"  # system | light | dark | contrast
    text_scale: float = 1.0
    models_folder: str = ""  # where fetched models go; "": below the data folder
    checked: tuple[str, ...] = ()  # cards with their drivers that the self-check has asked by itself
    card_trouble: tuple[str, ...] = ()  # what was told of graphics backends; told again when it is another
    mirror: str = ""  # the address that models are fetched from; "": Hugging Face
    licences: tuple[tuple[str, str], ...] = ()  # accepted: address and ISO day
    rest_minutes: int = 0  # without use, until the model's memory is given back; 0: never
    demo_notice_closed: bool = False
    fitted: tuple[tuple[str, LoadOptions], ...] = ()  # machine and model: how it is loaded since its memory ran out
    tool_rules: tuple[Rule, ...] = ()
    servers: tuple[ServerEntry, ...] = ()


def with_tools(settings: Settings, decided: Settings) -> Settings:
    """The settings with what others say of tools: a copy that was made before a denial must not take it back."""
    return msgspec.structs.replace(settings, tool_rules=decided.tool_rules, servers=decided.servers)


class ConversationSettings(msgspec.Struct, frozen=True):
    """What one conversation sets for itself; None follows the program's settings."""

    system_prompt: str | None = None
    sampling: Sampling | None = None
    date_stamp: str = ""  # ISO day, written once when the chat begins
    tools: bool | None = None  # None: on where the model is large enough for them
    tools_on: tuple[str, ...] = ()  # tools (`policy.key_of`) that were switched on here, and off
    tools_off: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()  # tools that need not ask here
    grants: tuple[Grant, ...] = ()  # folders that tools may read here
