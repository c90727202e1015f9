"""The machine that a plan is made for, from the devices that ggml sees and the memory that is free now."""

from __future__ import annotations

import platform
import re
from pathlib import Path

from app.core.protocol import Device
from app.core.settings import LoadOptions
from app.models.memory import Gpu, Machine


def machine_of(devices: tuple[Device, ...], options: LoadOptions, held: int = 0) -> Machine:
    """The cards among ggml's devices and the memory that is free. Without a card of its own, one in the processor.

    Cards that were set aside, or that are not the one that is named, are left out. `held` is what the next model gets
    of the one that is loaded.
    """
    import psutil

    cards = [device for device in devices if device.kind == "gpu"]
    cards = cards or [device for device in devices if device.kind == "igpu"]
    cards = [
        card
        for card in cards
        if options.device in ("", card.name) and (options.device or card.description not in options.avoid)
    ]
    ram = int(psutil.virtual_memory().available) + held
    # Metal's device computes in the computer's own memory, and is no "igpu" to ggml
    shared = {card.name for card in cards if card.kind == "igpu" or card.name.startswith(("Metal", "MTL"))}
    unseeing = () if options.device else options.encoder_avoid
    found = [Gpu(card.name, card.memory_free, card.name in shared, card.description not in unseeing) for card in cards]
    return Machine(tuple(found), ram)


def own_memory() -> int:
    """Bytes of the computer's memory that this process holds."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def on_card(free: int, ram: int) -> Machine:
    """A machine with one card of its own (free 0: none)."""
    return Machine((Gpu("", free),) if free else (), ram)


def processor_name() -> str:
    """What the processor calls itself, without the marks of its maker; "this computer's" where it does not tell."""
    try:
        told = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        told = ""
    found = re.search(r"^model name\s*:\s*(.+)$", told, re.MULTILINE)
    name = found[1] if found else platform.processor()
    plain = re.sub(r"\((?:R|TM|C)\)|\b(?:CPU|Processor|\d+-Core)\b|@.*$", " ", name)
    return " ".join(plain.split()) or "this computer's"
