"""Which cards a machine has and what is missing to use them, read from planted trees of files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.models.graphics import BACKENDS, Card, advice, cards, declined, has_vulkan_driver, source_tree
from tests.models.planted import Tree

SOURCE = Path("/home/me/my cabochon")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_a_machine_without_a_card_is_told_nothing(tree: Tree) -> None:
    tree.pci(0, "0x8086", kind="0x020000")  # a network card
    tree.pci(1, "0x1234")  # what a virtual machine shows pictures with
    tree.manifest("lvp_icd.x86_64")
    assert cards(tree.root) == []
    assert advice(source=SOURCE, root=tree.root) is None


def test_the_most_able_card_comes_first(tree: Tree) -> None:
    tree.pci(0, "0x8086", node="renderD128")
    tree.pci(1, "0x10de", kind="0x030200")
    tree.pci(2, "0x1002", node="renderD129")
    assert [card.maker for card in cards(tree.root)] == ["NVIDIA", "AMD", "Intel"]
    assert cards(tree.root)[2].node == tree.root / "dev/dri/renderD128"
    tree.nvidia("580.95.05", "NVIDIA GeForce RTX 4070")
    assert cards(tree.root)[0] == Card("NVIDIA", "NVIDIA GeForce RTX 4070")


@pytest.mark.parametrize("place", ["usr/bin", "usr/lib/wsl/lib"])
def test_nvidia_s_tool_alone_is_a_card(tree: Tree, place: str) -> None:
    tree.write(f"{place}/nvidia-smi")
    told = advice(source=SOURCE, root=tree.root)
    assert told is not None
    assert told.command.endswith("run --gpu cuda")


def test_nvidia_s_card_is_offered_cuda_with_what_it_costs(tree: Tree) -> None:
    tree.nvidia("580.95.05", "NVIDIA GeForce RTX 4070")
    told = advice(source=SOURCE, root=tree.root)
    assert told is not None
    assert told.what == "NVIDIA GeForce RTX 4070 is not used: the engine here has no CUDA yet."
    assert told.mend == f"This gets it ({BACKENDS['cuda'].cost()}):"
    assert told.command == "python3 '/home/me/my cabochon/packaging/bootstrap.py' run --gpu cuda"
    assert advice(source=None, root=tree.root) is None, "a package says it in its own way"


@pytest.mark.parametrize("kernel", ["x86_64 Kernel", "Open Kernel"])
def test_a_driver_that_is_too_old_for_cuda_is_offered_vulkan(tree: Tree, kernel: str) -> None:
    tree.nvidia("535.183.01", "NVIDIA T400", kernel=kernel)
    tree.system("debian")
    told = advice(source=SOURCE, root=tree.root)
    assert told is not None
    assert (told.what, told.mend) == (
        "NVIDIA T400 is not used: its driver is 535, and CUDA needs 580 or newer.",
        "Install NVIDIA's driver 580 or newer.",
    )
    tree.manifest("nvidia_icd")
    told = advice(source=SOURCE, root=tree.root)
    assert told is not None
    assert told.command.endswith("run --gpu vulkan")


@pytest.mark.parametrize(
    ("vendor", "maker", "manifest"), [("0x1002", "AMD", "radeon_icd"), ("0x8086", "Intel", "intel_icd")]
)
def test_other_cards_are_offered_vulkan_where_their_driver_is(
    tree: Tree, vendor: str, maker: str, manifest: str
) -> None:
    tree.pci(0, vendor, node="renderD128")
    tree.manifest("lvp_icd.x86_64")
    tree.system("linuxmint", "ubuntu debian")
    told = advice(source=SOURCE, root=tree.root)
    assert told is not None
    assert told.what == f"{maker} graphics is not used: its Vulkan driver is not there."
    assert told.command == "sudo apt-get install mesa-vulkan-drivers"
    assert advice(root=tree.root) == told, "a package needs the driver too"
    tree.manifest(f"{manifest}.x86_64")
    told = advice(source=SOURCE, root=tree.root)
    assert told is not None
    assert told.what == f"{maker} graphics is not used: the engine here has no Vulkan yet."
    assert BACKENDS["vulkan"].cost() in told.mend


@pytest.mark.parametrize(
    ("system", "like", "command"),
    [
        ("ubuntu", "debian", "sudo ubuntu-drivers install"),
        ("debian", "", "sudo apt-get install nvidia-driver"),
        ("fedora", "", ""),
    ],
)
def test_a_card_of_nvidia_without_its_driver_is_told_how_to_get_it(
    tree: Tree, system: str, like: str, command: str
) -> None:
    tree.pci(0, "0x10de")
    tree.system(system, like)
    told = advice(source=SOURCE, root=tree.root)
    assert told is not None
    assert told.what == "NVIDIA graphics is not used: NVIDIA's driver is not there."
    assert told.mend
    assert told.command == command


def test_a_card_that_has_its_driver_goes_before_one_that_has_none(tree: Tree) -> None:
    tree.pci(0, "0x10de")
    tree.pci(1, "0x1002")
    tree.manifest("radeon_icd")
    told = advice(source=SOURCE, root=tree.root)
    assert told is not None
    assert told.what.startswith("AMD graphics")


def test_a_file_that_may_not_be_opened_is_told(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.pci(0, "0x1002", node="renderD128")
    tree.manifest("radeon_icd")
    monkeypatch.setattr("app.models.graphics.os.access", lambda path, mode: False)  # root may open everything
    told = advice(["vulkan"], SOURCE, tree.root)
    assert told is not None
    assert told.what == f"AMD graphics is not used: you may not open {tree.root}/dev/dri/renderD128."
    assert told.command == "sudo usermod -aG render $USER"


def test_a_backend_that_is_there_and_finds_no_card_is_told(tree: Tree) -> None:
    tree.nvidia("580.95.05")
    told = advice(["cuda"], SOURCE, tree.root)
    assert told is not None
    assert told.what == "NVIDIA graphics is not used: CUDA is there, but finds no card that it can compute on."
    assert told.command == ""


def test_a_driver_is_told_by_the_name_of_its_manifest(tree: Tree) -> None:
    assert not has_vulkan_driver(root=tree.root)
    tree.manifest("lvp_icd.x86_64")
    assert has_vulkan_driver(root=tree.root)
    assert not has_vulkan_driver("NVIDIA", tree.root)
    tree.write("etc/vulkan/icd.d/nvidia_icd.json")
    assert has_vulkan_driver("NVIDIA", tree.root)


def test_what_it_costs_depends_on_the_processor() -> None:
    assert BACKENDS["cuda"].cost(2) != BACKENDS["cuda"].cost(16)
    assert BACKENDS["vulkan"].cost(1024).endswith("1 min")


def test_a_person_who_chose_the_processor_is_left_alone(tmp_path: Path) -> None:
    state = tmp_path / "cabochon.json"
    for text in ("", "[]", json.dumps({"gpu": "cuda"})):
        state.write_text(text, encoding="utf-8")
        assert not declined(tmp_path)
    assert not declined(tmp_path / "absent")
    state.write_text(json.dumps({"gpu": "cpu"}), encoding="utf-8")
    assert declined(tmp_path)


def test_a_tree_has_the_set_up_and_a_package_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = source_tree()
    assert tree is not None
    assert (tree / "packaging" / "bootstrap.py").is_file()
    monkeypatch.setattr("app.models.graphics.sys.frozen", True, raising=False)
    assert source_tree() is None
