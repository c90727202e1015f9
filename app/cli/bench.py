"""`cabochon bench`: how fast the model reads and writes here."""

from __future__ import annotations

from app.chat.changes import Notice, WorkerBenched, WorkerRestarted
from app.cli.commands import Bench
from app.cli.link import Interrupted, SessionLink
from app.cli.opening import load_model
from app.cli.output import Output, one_line
from app.core.errors import EngineError, ExitCode
from app.core.paths import DataPaths
from app.core.protocol import Benched, ModelInfo
from app.core.settings import Sampling


def run_bench(command: Bench, paths: DataPaths, output: Output) -> ExitCode:
    """Load the model, measure and print the medians. Raises UserError."""
    with SessionLink(paths) as link:
        model = load_model(link, output, command.model, Sampling())
        output.status("Measuring…")
        benched = _measure(link)
    if command.json:
        output.record(_record(benched, model))
        return ExitCode.DONE
    output.line(
        f"{one_line(model.name)} ({model.architecture}, {model.quantisation}, {model.gpu_layers} layers on GPU)"
    )
    output.line(f"prompt          {benched.prompt_tokens_per_second:10.1f} tokens/s")
    output.line(f"generation      {benched.generate_tokens_per_second:10.1f} tokens/s")
    output.line(f"first token     {benched.first_token_ms:10.1f} ms")
    output.line(f"threads         {benched.threads:10d}")
    return ExitCode.DONE


def _measure(link: SessionLink) -> Benched:
    link.call(lambda session: session.bench())
    while True:
        change = link.next()
        if isinstance(change, Interrupted):
            raise KeyboardInterrupt
        if isinstance(change, WorkerRestarted | Notice):
            sentence = change.message if isinstance(change, Notice) else "The engine ended while it was measured."
            raise EngineError(sentence, code="bench")
        if isinstance(change, WorkerBenched):
            if change.benched.error:
                raise EngineError(change.benched.error, code="bench")
            return change.benched


def _record(benched: Benched, model: ModelInfo) -> dict[str, object]:
    return {
        "model": {
            "name": model.name,
            "architecture": model.architecture,
            "quantisation": model.quantisation,
            "context": model.context,
            "gpu_layers": model.gpu_layers,
        },
        "prompt_tokens_per_second": round(benched.prompt_tokens_per_second, 2),
        "generate_tokens_per_second": round(benched.generate_tokens_per_second, 2),
        "first_token_ms": round(benched.first_token_ms, 2),
        "threads": benched.threads,
    }
