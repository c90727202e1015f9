"""`cabochon models show`: what is known of a model, row by row with its source, and what was measured of it here."""

from __future__ import annotations

from dataclasses import asdict

from app.chat.changes import ModelMeasured
from app.cli.commands import ModelsShow
from app.cli.link import SessionLink
from app.cli.opening import remembered_model
from app.cli.output import Output, one_line
from app.core.errors import ExitCode, ModelError
from app.core.paths import DataPaths
from app.models.catalogue import known_model
from app.models.facts import facts, measured_facts, read_facts, self_check_fact
from app.models.self_checked import recall


def run_show_model(command: ModelsShow, paths: DataPaths, output: Output) -> ExitCode:
    """Print the rows of a model file or of a model of the catalogue. Raises ModelError for one that cannot be read."""
    with SessionLink(paths) as link:
        parts = dict(link.ask(lambda session: session.settings).image_parts)
        file = command.model or remembered_model(link)
        if file is None:
            raise ModelError("No model is chosen. Name one: cabochon models show FILE.gguf.", "no_model")
        known = None if file.exists() else known_model(file.name)
        found = (
            facts(known[0]) if known is not None else read_facts(file.absolute(), parts.get(str(file.absolute()), ""))
        )
        told = link.call(lambda session: session.tell_measured(found.name))
    measured = next(change.measured for change in told if isinstance(change, ModelMeasured))
    here = (*measured_facts(measured), *self_check_fact(recall(paths.self_checked)))
    rows = (*found.rows, *found.evaluations, *here)
    if command.json:
        output.record({"model": found.name, "rows": [asdict(row) for row in rows], "why_more_memory": found.why})
        return ExitCode.DONE
    output.line(one_line(found.name))
    width = max(len(row.label) for row in rows) + 2
    for row in rows:
        source = f"  ({row.source})" if row.source else ""
        output.line(f"  {row.label:<{width}}{one_line(row.value)}{source}")
    if found.why:
        output.line(found.why)
    return ExitCode.DONE
