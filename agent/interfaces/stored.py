"""`terracite artifacts …`: look into stored results."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from agent.interfaces.shell import JsonOption, WorkspaceOption, open_agent, say, say_json
from tools.errors import DataError

app = typer.Typer(help="Look into stored results.", no_args_is_help=True)


@app.command("ls")
def ls(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the stored results, newest first."""
    rows = open_agent(workspace).runner.ls()
    if as_json:
        say_json(rows)
        return
    for row in rows:
        say(f"a:{row['key'][:12]}  {row['created']}  {row['tool']:<17} {row['summary']}")


@app.command("show")
def show(ref: Annotated[str, typer.Argument(help="a:KEY or KEY.")], workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show a stored result: how it was made, its facts and files."""
    artifact = open_agent(workspace).runner.artifact(ref)
    if as_json:
        say_json({**dict(artifact.record), "folder": str(artifact.folder)})
        return
    say(f"{artifact.ref} {artifact.tool}: {artifact.summary}")
    for label in ("method", "data"):
        say(f"{label}: {json.dumps(dict(getattr(artifact, label)), ensure_ascii=False)}")
    for fact in artifact.facts:
        say(f"  {fact.path}  {fact.name} {dict(fact.subject) or ''} = {fact.value} {fact.unit}")
    for file in artifact.files:
        say(f"  {artifact.folder}/{file.path}  {file.bytes} bytes  sha256 {file.sha256}")


@app.command("why")
def why(ref: Annotated[str, typer.Argument(help="a:KEY or KEY.")], workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Say what a result was computed from, and what would make it be computed again today."""
    report = open_agent(workspace).runner.why(ref)
    if as_json:
        say_json(report.to_json())
        return
    for line in report.lines():
        say(line)


@app.command("verify")
def verify(
    ref: Annotated[str | None, typer.Argument(help="a:KEY or KEY; default: all.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every byte of stored results against their digests."""
    problems = open_agent(workspace).runner.verify(ref)
    if as_json:
        say_json(problems)
    else:
        for key, problem in problems.items():
            say(f"a:{key[:12]}: {problem}")
        say("All results are whole." if not problems else f"{len(problems)} damaged; each is computed again when it is next asked for.")
    raise typer.Exit(DataError.exit_code if problems else 0)


@app.command("rebuild")
def rebuild(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Make the index of memory anew, from the stored results and the documents alone."""
    report = open_agent(workspace).knowledge.rebuild()
    if as_json:
        say_json(report)
        return
    say(f"Indexed {report['entries']} passages and results, of {report['documents']} documents.")
    for name, gap in report["gaps"].items():
        say(f"not read: {name}: {gap}", err=True)
