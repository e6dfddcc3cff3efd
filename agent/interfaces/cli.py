"""The command line: `terracite ask|chat|slack|run|tools|add|datasets|artifacts|replay|demo|doctor|phrases`.

Only this module prints. Heavy imports happen inside the commands, so that `--help` stays quick.
"""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from agent.api import Agent
    from tools.runner import Runner

app = typer.Typer(
    name="terracite",
    help="Ask a question about the Earth; get an answer in which every number is computed, stored and cited.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
artifacts_app = typer.Typer(help="Look into stored results.", no_args_is_help=True)
app.add_typer(artifacts_app, name="artifacts")

WorkspaceOption = Annotated[
    Path | None, typer.Option("--workspace", help="Folder that holds everything that lasts. Default: $TERRACITE_WORKSPACE or ./.terracite")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


class EngineName(StrEnum):
    """Who decides."""

    auto = "auto"
    planner = "planner"
    model = "model"


class KindName(StrEnum):
    """How the values of a raster are to be read."""

    categorical = "categorical"
    continuous = "continuous"


def main() -> NoReturn:
    """Run the command line; map errors to the published exit codes."""
    from tools.errors import TerraciteError

    try:
        app()
    except TerraciteError as error:
        from agent.interfaces import terminal

        typer.echo(f"terracite: {terminal.clean(str(error))}", err=True)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        # The reader went away (e.g. `| head`); nothing more can be said on standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    raise SystemExit(0)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question, in plain words.")],
    data: Annotated[
        list[str] | None,
        typer.Option("--data", help="Register this file, folder or catalogue and put exactly these in focus; may be repeated."),
    ] = None,
    workspace: WorkspaceOption = None,
    engine: Annotated[EngineName | None, typer.Option("--engine", help="auto, planner (embedded, no language model) or model.")] = None,
    thread: Annotated[str | None, typer.Option("--thread", help="Continue this conversation.")] = None,
    as_json: JsonOption = False,
    stream_json: Annotated[bool, typer.Option("--stream-json", help="Print every event as one JSON line.")] = False,
) -> None:
    """Answer a question; every number in the answer is cited."""
    from agent.interfaces import terminal
    from agent.result import failed_result
    from tools.errors import TerraciteError

    if as_json and stream_json:
        raise typer.BadParameter("--json and --stream-json exclude each other")
    try:
        for event, result in terminal.finished(_agent(workspace, engine).stream(question, data=data or (), thread_id=thread)):
            if stream_json:
                typer.echo(json.dumps(event.model_dump(mode="json"), ensure_ascii=False))
            elif not as_json and (line := terminal.progress_line(event)) is not None:
                typer.echo(line, err=True)
            if result is not None:
                if as_json:
                    typer.echo(json.dumps(result.to_json(), ensure_ascii=False))
                elif not stream_json:
                    typer.echo("\n".join(terminal.result_lines(result)))
                raise typer.Exit(result.exit_code)
    except TerraciteError as error:
        if as_json or stream_json:
            typer.echo(json.dumps(failed_result(question, error).to_json(), ensure_ascii=False))
            raise typer.Exit(error.exit_code) from None
        raise


@app.command()
def add(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Files or folders: rasters, vector layers, tables, documents, static catalogues; or the address of a STAC API."
        ),
    ],
    workspace: WorkspaceOption = None,
    id: Annotated[str | None, typer.Option("--id", help="Id of the dataset.")] = None,
    title: Annotated[str | None, typer.Option("--title", help="Title, as people call it.")] = None,
    crs: Annotated[
        str | None, typer.Option("--crs", help="Coordinate reference system where the file states none, e.g. EPSG:32632.")
    ] = None,
    bounds: Annotated[
        str | None, typer.Option("--bounds", help="left,bottom,right,top in --crs, for a raster without georeferencing.")
    ] = None,
    bands: Annotated[str | None, typer.Option("--bands", help="Roles of bands, e.g. green=3,swir1=1.")] = None,
    scale: Annotated[float | None, typer.Option("--scale", help="Value = stored × scale + offset.")] = None,
    offset: Annotated[float | None, typer.Option("--offset", help="See --scale.")] = None,
    nodata: Annotated[float | None, typer.Option("--nodata", help="Stored value that means no data.")] = None,
    kind: Annotated[KindName | None, typer.Option("--kind", help="Whether the values are classes or quantities.")] = None,
    unit: Annotated[str | None, typer.Option("--unit", help="Unit of the values, e.g. m.")] = None,
    classes: Annotated[str | None, typer.Option("--classes", help="Names of class values, e.g. 1=water,2=forest.")] = None,
    x_column: Annotated[str | None, typer.Option("--x-column", help="Column of x or longitude in a table.")] = None,
    y_column: Annotated[str | None, typer.Option("--y-column", help="Column of y or latitude in a table.")] = None,
    geometry_column: Annotated[str | None, typer.Option("--geometry-column", help="Column of WKT geometry in a table.")] = None,
    name_column: Annotated[str | None, typer.Option("--name-column", help="Column that names the features.")] = None,
    time: Annotated[str | None, typer.Option("--time", help="Year, month, day or instant, or start/end, ISO 8601.")] = None,
    licence: Annotated[str | None, typer.Option("--licence", help="Licence of the data.")] = None,
    attribution: Annotated[str | None, typer.Option("--attribution", help="Credit line of the data.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Register data; what cannot be read is reported one by one, the rest is registered."""
    from agent.interfaces import terminal
    from agent.interfaces.options import declared_from
    from tools.errors import exit_code_of

    declared = declared_from(
        crs=crs,
        bounds=bounds,
        bands=bands,
        scale=scale,
        offset=offset,
        nodata=nodata,
        kind=kind.value if kind else None,
        unit=unit,
        classes=classes,
        x_column=x_column,
        y_column=y_column,
        geometry_column=geometry_column,
        name_column=name_column,
    )
    report = _agent(workspace, None).add(*paths, id=id, title=title, declared=declared, time=time, licence=licence, attribution=attribution)
    if as_json:
        shown = {
            "registered": [record.model_dump(mode="json") for record in report.records],
            "refused": [refusal.to_json() for refusal in report.refused],
            "skipped": list(report.skipped),
        }
        typer.echo(json.dumps(shown, ensure_ascii=False))
    else:
        for line in terminal.added_lines(report):
            typer.echo(line)
        for line in terminal.refused_lines(report):
            typer.echo(line, err=True)
    if report.refused:
        raise typer.Exit(exit_code_of(report.refused[0].code))


@app.command()
def datasets(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the registered datasets."""
    from agent.interfaces import terminal

    records = _agent(workspace, None).datasets.record_objects()
    if as_json:
        typer.echo(json.dumps([record.model_dump(mode="json") for record in records], ensure_ascii=False))
        return
    for record in records:
        typer.echo(terminal.dataset_line(record))
    if not records:
        typer.echo("No data is registered. Add some: terracite add PATH…")


@app.command()
def tools(name: Annotated[str | None, typer.Argument(help="Show one tool in full.")] = None, as_json: JsonOption = False) -> None:
    """List the tools, or show the parameters of one."""
    from agent.interfaces import terminal
    from tools import registry

    if as_json:
        chosen = [registry.load(each) for each in ([name] if name else registry.names())]
        shown = [
            {"name": tool.name, "kind": tool.kind, "description": tool.description, "parameters": tool.params.model_json_schema()}
            for tool in chosen
        ]
        typer.echo(json.dumps(shown, ensure_ascii=False))
        return
    for line in terminal.tool_lines(name):
        typer.echo(line)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(
    context: typer.Context,
    tool: Annotated[str, typer.Argument(help="Name of the tool; see `terracite tools`.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Call one tool: terracite run TOOL --PARAM VALUE … (a value that is JSON is read as JSON)."""
    from agent.interfaces.options import parameters_from
    from tools import registry

    fields = registry.load(tool).params.model_fields
    result = _agent(workspace, None).runner.run(tool, parameters_from(context.args, fields))
    artifact = result.artifact
    if as_json:
        shown = {
            **dict(artifact.record),
            "ref": artifact.ref,
            "folder": str(artifact.folder),
            "cache": result.cache,
            "seconds": result.seconds,
        }
        typer.echo(json.dumps(shown, ensure_ascii=False))
        return
    typer.echo(artifact.summary)
    for fact in artifact.facts:
        subject = ", ".join(fact.subject.values())
        typer.echo(f"  {fact.name}{f' ({subject})' if subject else ''}: {fact.value} {fact.unit}")
    if artifact.fact_count > len(artifact.facts):
        typer.echo(f"  … {artifact.fact_count} facts in all, in {artifact.folder}/facts.parquet")
    for warning in artifact.warnings:
        typer.echo(f"Note: {warning}")
    typer.echo(f"{artifact.ref} · {result.cache} · {result.seconds:.2f} s · {artifact.folder}")


@app.command()
def chat(
    data: Annotated[list[str] | None, typer.Option("--data", help="Register this and keep to it; may be repeated.")] = None,
    workspace: WorkspaceOption = None,
    engine: Annotated[EngineName | None, typer.Option("--engine", help="auto, planner (embedded, no language model) or model.")] = None,
    thread: Annotated[str | None, typer.Option("--thread", help="Continue this conversation.")] = None,
) -> None:
    """Talk with the data: follow-up questions, results, sources and maps; or pipe in a question a line."""
    from agent.interfaces.repl.chat import run_chat

    raise typer.Exit(run_chat(workspace, engine.value if engine else None, thread, data or ()))


@app.command()
def slack(
    workspace: WorkspaceOption = None,
    engine: Annotated[EngineName | None, typer.Option("--engine", help="auto, planner (embedded, no language model) or model.")] = None,
    console: Annotated[bool, typer.Option("--console", help="Try the bot here, without Slack: a question a line.")] = False,
) -> None:
    """Answer mentions and direct messages in Slack, by Socket Mode; needs SLACK_BOT_TOKEN and SLACK_APP_TOKEN."""
    from agent.interfaces.slack.service import run_slack

    run_slack(workspace, engine.value if engine else None, console=console)


@app.command()
def replay(
    run_id: Annotated[str, typer.Argument(help="Run id, or 'last'.")], workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Compute a run's results again in a scratch store, memory off, and compare every byte."""
    from agent.replay import replay_run

    report = replay_run(_agent(workspace, None), run_id)
    if as_json:
        typer.echo(json.dumps(report.to_json(), ensure_ascii=False))
    else:
        for line in report.lines():
            typer.echo(line)
    raise typer.Exit(0 if report.same else 1)


@app.command()
def demo(workspace: WorkspaceOption = None) -> None:
    """Build a small synthetic flood scene, ask two questions, and ask them again."""
    from agent.interfaces.demo import run_demo

    raise typer.Exit(run_demo(workspace, typer.echo))


@app.command()
def doctor(
    quick: Annotated[bool, typer.Option("--quick", help="Only what a health check needs.")] = False, as_json: JsonOption = False
) -> None:
    """Check this installation: libraries, a coordinate transformation, a raster, the workspace, the engine."""
    from agent.interfaces.doctor import run_doctor

    checks = run_doctor(quick=quick)
    if as_json:
        typer.echo(json.dumps([check.to_json() for check in checks], ensure_ascii=False))
    else:
        for check in checks:
            typer.echo(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.detail}")
    raise typer.Exit(0 if all(check.ok for check in checks) else 78)


@app.command()
def phrases() -> None:
    """Show how the planner engine can be asked."""
    from agent.planner import phrases as accepted

    for phrase in accepted():
        typer.echo(phrase)


@artifacts_app.command("ls")
def artifacts_ls(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the stored results, newest first."""
    rows = _runner(workspace).ls()
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        typer.echo(f"a:{row['key'][:12]}  {row['created']}  {row['tool']:<17} {row['summary']}")


@artifacts_app.command("show")
def artifacts_show(
    ref: Annotated[str, typer.Argument(help="a:KEY or KEY.")], workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Show a stored result: how it was made, its facts and files."""
    artifact = _runner(workspace).artifact(ref)
    if as_json:
        typer.echo(json.dumps({**dict(artifact.record), "folder": str(artifact.folder)}, ensure_ascii=False))
        return
    typer.echo(f"{artifact.ref} {artifact.tool}: {artifact.summary}")
    for label in ("method", "data"):
        typer.echo(f"{label}: {json.dumps(dict(getattr(artifact, label)), ensure_ascii=False)}")
    for fact in artifact.facts:
        typer.echo(f"  {fact.path}  {fact.name} {dict(fact.subject) or ''} = {fact.value} {fact.unit}")
    for file in artifact.files:
        typer.echo(f"  {artifact.folder}/{file.path}  {file.bytes} bytes  sha256 {file.sha256}")


@artifacts_app.command("why")
def artifacts_why(
    ref: Annotated[str, typer.Argument(help="a:KEY or KEY.")], workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Say what a result was computed from, and what would make it be computed again today."""
    report = _runner(workspace).why(ref)
    if as_json:
        typer.echo(json.dumps(report.to_json(), ensure_ascii=False))
        return
    for line in report.lines():
        typer.echo(line)


@artifacts_app.command("verify")
def artifacts_verify(
    ref: Annotated[str | None, typer.Argument(help="a:KEY or KEY; default: all.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every byte of stored results against their digests."""
    problems = _runner(workspace).verify(ref)
    if as_json:
        typer.echo(json.dumps(problems, ensure_ascii=False))
    else:
        for key, problem in problems.items():
            typer.echo(f"a:{key[:12]}: {problem}")
        typer.echo(
            "All results are whole." if not problems else f"{len(problems)} damaged; each is computed again when it is next asked for."
        )
    raise typer.Exit(65 if problems else 0)


@artifacts_app.command("rebuild")
def artifacts_rebuild(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Make the index of memory anew, from the stored results and the documents alone."""
    report = _agent(workspace, None).knowledge.rebuild()
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False))
        return
    typer.echo(f"Indexed {report['entries']} passages and results, of {report['documents']} documents.")
    for name, gap in report["gaps"].items():
        typer.echo(f"not read: {name}: {gap}", err=True)


def _agent(workspace: Path | None, engine: EngineName | None) -> Agent:
    from agent.api import Agent

    return Agent(workspace, engine.value if engine else None)


def _runner(workspace: Path | None) -> Runner:
    return _agent(workspace, None).runner
