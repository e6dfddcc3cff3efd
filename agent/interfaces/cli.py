"""The command line: `terracite ask|chat|slack|run|tools|add|datasets|export|artifacts|replay|demo|doctor|errors|phrases`.

Heavy imports happen inside the commands, so that `--help` stays quick.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated, NoReturn

import typer

from agent.errors import RunInterruptedError
from agent.interfaces import exporting, registering, stored
from agent.interfaces.logs import PLAIN, log_to
from agent.interfaces.shell import EngineOption, JsonOption, ThreadOption, WorkspaceOption, open_agent, say, say_json, told_as
from tools.errors import ConfigurationError

app = typer.Typer(
    name="terracite",
    help="Ask a question about the Earth; get an answer in which every number is computed, stored and cited.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(stored.app, name="artifacts")
app.command()(registering.add)
app.command()(registering.datasets)
app.command()(exporting.export)


def main() -> NoReturn:
    """Run the command line; every error ends it with its published exit code."""
    log_to(logging.StreamHandler(), PLAIN)
    try:
        app()
    except KeyboardInterrupt:
        raise SystemExit(RunInterruptedError.exit_code) from None
    except BrokenPipeError:
        # The reader went away (e.g. `| head`); nothing more can be said on standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except Exception as error:  # noqa: BLE001 - the outermost handler of this interface: it says which of the published errors it was
        told = told_as(error)
        say(f"terracite: {told}", err=True)
        raise SystemExit(told.exit_code) from None
    raise SystemExit(0)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question, in plain words.")],
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data", help="Register this file, folder, catalogue or https address and put exactly these in focus; may be repeated."
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    engine: EngineOption = None,
    thread: ThreadOption = None,
    as_json: JsonOption = False,
    stream_json: Annotated[bool, typer.Option("--stream-json", help="Print every event as one JSON line.")] = False,
) -> None:
    """Answer a question; every number in the answer is cited."""
    from agent.interfaces import terminal
    from agent.result import failed_result

    if as_json and stream_json:
        raise typer.BadParameter("--json and --stream-json exclude each other")
    ended = None
    try:
        for event, result in terminal.finished(open_agent(workspace, engine).stream(question, data=data or (), thread_id=thread)):
            if stream_json:
                say_json(event.model_dump(mode="json"))
            elif not as_json and (line := terminal.progress_line(event)) is not None:
                say(line, err=True)
            ended = result
    except Exception as error:  # a program that reads JSON gets its one object, whatever went wrong; people are told by `main`
        if not (as_json or stream_json) or isinstance(error, BrokenPipeError):
            raise
        ended = failed_result(question, told_as(error))
        as_json = True
    if ended is not None:
        if as_json:
            say_json(ended.to_json())
        elif not stream_json:
            say("\n".join(terminal.result_lines(ended)))
        raise typer.Exit(ended.exit_code)


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
        say_json(shown)
        return
    for line in terminal.tool_lines(name):
        say(line)


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
    result = open_agent(workspace).runner.run(tool, parameters_from(context.args, fields))
    artifact = result.artifact
    if as_json:
        shown = {
            **dict(artifact.record),
            "ref": artifact.ref,
            "folder": str(artifact.folder),
            "cache": result.cache,
            "seconds": result.seconds,
        }
        say_json(shown)
        return
    say(artifact.summary)
    for fact in artifact.facts:
        subject = ", ".join(fact.subject.values())
        say(f"  {fact.name}{f' ({subject})' if subject else ''}: {fact.value} {fact.unit}")
    if artifact.fact_count > len(artifact.facts):
        say(f"  … {artifact.fact_count} facts in all, in {artifact.folder}/facts.parquet")
    for warning in artifact.warnings:
        say(f"Note: {warning}")
    say(f"{artifact.ref} · {result.cache} · {result.seconds:.2f} s · {artifact.folder}")


@app.command()
def chat(
    data: Annotated[list[str] | None, typer.Option("--data", help="Register this and keep to it; may be repeated.")] = None,
    workspace: WorkspaceOption = None,
    engine: EngineOption = None,
    thread: ThreadOption = None,
) -> None:
    """Talk with the data: follow-up questions, results, sources and maps; or pipe in a question a line."""
    from agent.interfaces.repl.chat import run_chat

    raise typer.Exit(run_chat(workspace, engine.value if engine else None, thread, data or ()))


@app.command()
def slack(
    workspace: WorkspaceOption = None,
    engine: EngineOption = None,
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

    report = replay_run(open_agent(workspace), run_id)
    if as_json:
        say_json(report.to_json())
    else:
        for line in report.lines():
            say(line)
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
        say_json([check.to_json() for check in checks])
    else:
        for check in checks:
            say(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.detail}")
    raise typer.Exit(0 if all(check.ok for check in checks) else ConfigurationError.exit_code)


@app.command()
def errors(as_json: JsonOption = False) -> None:
    """List every error: its code, what it means, what to do, whether to try again, exit code and HTTP status."""
    from agent.errors import listing
    from agent.interfaces.terminal import error_lines

    if as_json:
        say_json(listing())
        return
    for line in error_lines(listing()):
        say(line)


@app.command()
def phrases() -> None:
    """Show how the planner engine can be asked."""
    from agent.planner import phrases as accepted

    for phrase in accepted():
        say(phrase)
