"""Files put where other programs keep them."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path


def placed(model: Path, to: Path) -> Path:
    """A copy of it there."""
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model, to)
    return to


def into_ollama(folder: Path, model: Path, projector: Path, name: str) -> tuple[Path, Path]:
    """A model with its image part as Ollama keeps them: blobs without names, and a manifest that names them."""
    layers, blobs = [], []
    for path, kind in ((model, "model"), (projector, "projector")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        blobs.append(placed(path, folder / "blobs" / f"sha256-{digest}"))
        layers.append({"mediaType": f"application/vnd.ollama.image.{kind}", "digest": f"sha256:{digest}", "size": 1})
    manifest = folder / "manifests" / name
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": layers}))
    return blobs[0], blobs[1]
