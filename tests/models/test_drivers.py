"""What tells a driver from another: a new one is, and the same one is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.models.drivers import driver, drivers

PLACE = "usr/share/vulkan/icd.d"


@pytest.fixture(autouse=True)
def _of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES"):
        monkeypatch.delenv(name, raising=False)


def _installed(root: Path, library: Path, text: str = "one") -> Path:
    """A driver of Vulkan's with its manifest; returns that."""
    library.write_text(text)
    manifest = root / PLACE / "card_icd.json"
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps({"ICD": {"library_path": str(library), "api_version": "1.3.0"}}))
    return manifest


def test_a_machine_without_drivers_has_nothing_to_tell_a_card_by(tmp_path: Path) -> None:
    assert driver("A card", tmp_path) == ""
    assert drivers(tmp_path) == drivers(tmp_path) != ""


def test_another_library_is_another_driver_though_its_manifest_stays(tmp_path: Path) -> None:
    _installed(tmp_path, tmp_path / "libcard.so")
    before = driver("A card", tmp_path), drivers(tmp_path)
    assert (driver("A card", tmp_path), drivers(tmp_path)) == before
    _installed(tmp_path, tmp_path / "libcard.so", "another")
    assert driver("A card", tmp_path) != before[0]
    assert drivers(tmp_path) != before[1]


def test_drivers_that_the_environment_names_are_those_that_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = drivers(tmp_path)
    monkeypatch.setenv("VK_DRIVER_FILES", str(_installed(tmp_path / "else", tmp_path / "libcard.so")))
    assert drivers(tmp_path) != before


@pytest.mark.parametrize(
    "manifest", ["", "[]", "{}", '{"ICD": {"library_path": 7}}', '{"ICD": {"library_path": "lib.so"}}']
)
def test_odd_manifests_are_read_all_the_same(tmp_path: Path, manifest: str) -> None:
    _installed(tmp_path, tmp_path / "libcard.so").write_text(manifest)
    assert len(driver("A card", tmp_path)) == (12 if manifest else 0)


def test_nvidias_version_is_the_one_of_its_cards(tmp_path: Path) -> None:
    version = tmp_path / "proc/driver/nvidia/version"
    version.parent.mkdir(parents=True)
    version.write_text("NVRM version: 580.95\nGCC version: 12\n")
    assert driver("NVIDIA RTX 4070", tmp_path) == "NVRM version: 580.95"
    assert driver("Intel UHD 770", tmp_path) == ""
