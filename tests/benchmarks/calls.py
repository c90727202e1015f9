"""What a grammar costs, and whether it holds: models that do not want to call, forced to, over twenty schemas.

    .venv/bin/python -m tests.benchmarks calls

Each model is forced 1,000 times at temperature 1.5. Measured are the check of a token that was sampled and let through,
and the finding of another one in the place of one that was refused; neither has the evaluation of the token in it.
"""

from __future__ import annotations

import os
import statistics
from pathlib import Path

import jsonschema

from app.core.settings import LoadOptions
from tests.benchmarks.report import Figure, say, single
from tests.conftest import ROOT
from tests.engine.chats import loaded, model_of
from tests.engine.forcing import Forced, forced_call
from tests.engine.gemma4 import write_gemma4
from tests.engine.schemas import TOOLS

MODELS = {
    "SmolLM2": ROOT / "resources" / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf",
    "gemma-3-270m": ROOT / ".cache" / "models" / "gemma-3-270m-q4_k_m.gguf",
}
_COUNT = int(os.environ.get("CABOCHON_FORCED_CALLS", "1000"))
_LIMIT = 100


def figures(folder: Path) -> list[Figure]:
    """How many of the calls parse and validate, and what the checks cost."""
    found: list[Figure] = []
    models = {**MODELS, "Gemma 4's tokens, random weights": write_gemma4(folder / "gemma4.gguf")}
    for name, path in models.items():
        with loaded(path, LoadOptions(context=1024)) as engine:
            model = model_of(engine)
            made = [forced_call(model, TOOLS[number % len(TOOLS)], number, limit=_LIMIT) for number in range(_COUNT)]
        right = sum(_is_right(forced, TOOLS[number % len(TOOLS)].parameters) for number, forced in enumerate(made))
        say(f"{name}: {right} of {_COUNT} right")
        wrong = _COUNT - right
        found.append(single(f"{name}: calls that do not parse and validate", "", float(wrong), below=0.0))
        checked = [one for forced in made for one in forced.accepted_ms]
        refused = [one for forced in made for one in forced.rejected_ms]
        told = f"{name}: a token that is let through, {model.llama.n_vocab:,} tokens"
        note = f"mean {statistics.mean(checked):.3f} ms of {len(checked):,}"
        found.append(single(told, "ms", statistics.median(checked), below=0.1, note=note))
        share = len(refused) / (len(refused) + len(checked))
        note = f"{share:.0%} of the tokens; median {statistics.median(refused):.2f} ms"
        found.append(Figure(f"{name}: a token in place of one refused", "ms", "", statistics.mean(refused), note=note))
    return found


def _is_right(forced: Forced, schema: dict[str, object]) -> bool:
    try:
        for call in forced.calls:
            jsonschema.validate(call.arguments, schema)
    except jsonschema.ValidationError as error:
        say(f"wrong: {error.message}: {forced.text[:200]}")
        return False
    return bool(forced.calls)
