"""A root folder with what Linux tells of its graphics cards."""

from __future__ import annotations

from pathlib import Path

DRIVER = "NVRM version: NVIDIA UNIX {} Module  {}  Release Build  (dvs-builder)\n"


class Tree:
    """Written file by file."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str = "") -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def pci(self, number: int, vendor: str, kind: str = "0x030000", node: str = "") -> None:
        device = f"sys/bus/pci/devices/0000:0{number}:00.0"
        self.write(f"{device}/vendor", f"{vendor}\n")
        self.write(f"{device}/class", f"{kind}\n")
        if node:
            (self.root / device / "drm" / node).mkdir(parents=True)
            self.write(f"dev/dri/{node}")

    def nvidia(self, driver: str, *names: str, kernel: str = "Open Kernel") -> None:
        self.write("proc/driver/nvidia/version", DRIVER.format(kernel, driver))
        for number, name in enumerate(names):
            self.write(f"proc/driver/nvidia/gpus/0000:0{number}:00.0/information", f"Model: \t\t {name}\nIRQ:  64\n")

    def manifest(self, name: str) -> None:
        self.write(f"usr/share/vulkan/icd.d/{name}.json", "{}")

    def system(self, name: str, like: str = "") -> None:
        self.write("etc/os-release", f"ID={name}\n" + (f'ID_LIKE="{like}"\n' if like else ""))
