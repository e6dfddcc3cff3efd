"""From a question to a plan: clause by clause, each by itself or as a continuation of the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from agent.planner.atlas import Atlas, read_atlas
from agent.planner.changes import ChangeReader
from agent.planner.clauses import Clause, split_clauses
from agent.planner.derived import Outlook, attached, look_out
from agent.planner.documents import DocumentReader
from agent.planner.figures import listing
from agent.planner.followups import follow, is_fragment, ranked
from agent.planner.frames import Frame, Plan
from agent.planner.halves import halves
from agent.planner.interpret import TIE, Interpretation, Scene, interpret, make_scene
from agent.planner.marks import find_marks, noun_tokens
from agent.planner.names import Search, ask_double, half_named, searches, unknowns
from agent.planner.refuse import Accepts, ask_column, ask_name, ask_which, refuse_other, refuse_unknown
from agent.planner.scenes import CLOUD_AND, SceneReader
from agent.planner.slots import missing_slot
from agent.planner.step import Draft, Step, ToolCalls
from agent.planner.task_reader import TaskReader
from agent.planner.text import Token, tokenize
from agent.planner.years import compared, find_years, of_year, uses_rasters

Understood = Plan | Step


@dataclass(frozen=True)
class Reader:
    """Reads one question against one session."""

    session: Mapping[str, Any]  # Any: JSON
    question: str
    search: Search
    previous: Plan | None
    advising: bool = True
    """Whether refusals offer near questions, which are read in turn."""

    def read(self) -> Understood:
        """Return what is asked, look-ups that are needed first, or a draft that says why it is not understood."""
        if unclear := ask_double(self.question, self.search):
            return Draft(unclear, "input_needed")
        atlas = read_atlas(self.session, self.search.found)
        about_documents = DocumentReader(atlas, self.question, self.previous).read()
        if about_documents is not None:
            return about_documents
        both = self._cloud_and_more(atlas)
        if both is not None:
            return both
        about_scenes = SceneReader(atlas, self.question, self.search, self.previous).read()
        if about_scenes is None:
            return self._about_data(atlas)
        if not isinstance(about_scenes, Draft):
            return about_scenes
        about_data = self._about_data(atlas)
        return about_data if isinstance(about_data, Plan) else about_scenes

    def _cloud_and_more(self, atlas: Atlas) -> Plan | None:
        """Read `the cloud cover and the mean NDVI of SCENE` as two questions; None for another."""
        match = CLOUD_AND.search(self.question)
        if match is None:
            return None
        rest = f"{self.question[: match.start()]}{self.question[match.end() :]}"
        first = SceneReader(atlas, f"cloud cover of {match['id']}", self.search, None).read()
        second = replace(self, question=rest)._about_data(atlas)
        return Plan((*first.frames, *second.frames)) if isinstance(first, Plan) and isinstance(second, Plan) else None

    def _about_data(self, atlas: Atlas) -> Understood:
        """Read a question about rasters, layers and what is registered, with the rasters that can be made."""
        outlook = look_out(self.question, atlas, self.previous)
        if outlook.lacking:
            return Draft(outlook.lacking, "refused", "refused")
        asked = TaskReader(outlook.atlas, outlook.question).read()
        if asked is not None:
            return asked
        changed = ChangeReader(outlook.atlas, outlook.question).read()
        if changed is not None:
            return changed
        read = self._of_years(outlook) or self._sentence(outlook.question, outlook.atlas)
        return attached(read, outlook.atlas) if isinstance(read, Plan) else read

    def _of_years(self, outlook: Outlook) -> Plan | None:
        """Read a question of which years choose the rasters, once for each; None where it is none or not understood so."""
        dated = find_years(outlook.question, outlook.atlas)
        if dated is None:
            return None
        plans: list[Plan] = []
        for year in dated.years:
            read = self._sentence(dated.question, of_year(outlook.atlas, year))
            if not isinstance(read, Plan) or not uses_rasters(read):
                return None
            plans.append(read)
        return compared(plans) if len(plans) > 1 else plans[0]

    def _sentence(self, question: str, atlas: Atlas) -> Understood:
        """Read a question clause by clause."""
        tokens = tokenize(question)
        clauses = split_clauses(find_marks(tokens, atlas), tokens, noun_tokens(tokens, atlas))
        if not clauses:
            return Draft("What would you like to know? Ask, for example, 'What data is here?'.", "input_needed")
        plan: Plan | None = None
        scenes = [make_scene(clause, tokens, atlas) for clause in _sharing(clauses)]
        lookups = [call for scene in scenes for call in self._lookups(scene)]
        if lookups:
            return ToolCalls(tuple({(name, tuple(sorted(map(str, params.items())))): (name, params) for name, params in lookups}.values()))
        for scene in scenes:
            found = self._clause(scene, plan or self.previous, is_first=plan is None)
            if not isinstance(found, Plan):
                return found
            plan = found if plan is None else _joined(plan, found)
        return plan if plan is not None else refuse_other("I cannot read that.", atlas, self._accepts())

    def _lookups(self, scene: Scene) -> Sequence[Any]:  # Any: calls
        missing = unknowns(scene)
        return searches(missing, self.search, scene.atlas, scene.tokens) if missing else ()

    def _clause(self, scene: Scene, before: Plan | None, *, is_first: bool) -> Understood:
        missing = unknowns(scene)
        if missing:
            return refuse_unknown(self.question, missing, self.search, scene.atlas, scene.tokens, self._accepts())
        if before is not None and (again := ranked(before, scene)):
            return again
        fragment = is_fragment(scene)
        complete = [one for one in interpret(scene) if one.is_complete]
        if fragment and not (complete and _is_full(scene.clause)) and before is not None and (followed := follow(before, scene)):
            return _marked(followed.plan, before, scene.clause, is_first=is_first)
        if complete and not (fragment and not is_first):
            return self._chosen(complete, scene)
        if before is not None and not fragment and _is_elliptic(scene.clause) and (followed := follow(before, scene)):
            return _marked(followed.plan, before, scene.clause, is_first=is_first)
        if before is not None and is_about_results(scene.clause, before):
            return _marked(before, before, scene.clause, is_first=is_first)
        return self._declined(scene, complete, before)

    def _chosen(self, complete: list[Interpretation], scene: Scene) -> Understood:
        best = complete[0]
        half = half_named(best.readings)
        if half:
            return ask_name(*half)
        bands = _unclear_bands(best)
        if bands:
            return bands
        tied = [one for one in complete if one.score > best.score - TIE and _differs(one, best)]
        named = [one for one in (best, *tied) if _names_columns(one, scene.tokens)] if tied else []
        if len(named) == 1:
            return named[0].plan
        if tied:
            return ask_which([best, *tied], scene)
        if best.doubt:
            return ask_column(best.doubt)
        return best.plan

    def _declined(self, scene: Scene, complete: list[Interpretation], before: Plan | None) -> Draft:
        if complete:
            return Draft(
                "Please ask in a full sentence what is wanted of that: how many, which area, a list, a statistic or a map.", "input_needed"
            )
        if scene.clause.has("again", "pronoun") and before is None:
            return Draft("There is no earlier answer in this conversation to go on from; please ask in full.", "input_needed")
        slot = missing_slot(scene)
        if slot:
            return slot
        reason = "I cannot answer that as a whole from the data and tools here; I would have to leave out a part of the question."
        return refuse_other(reason, scene.atlas, self._accepts())

    def _accepts(self) -> Accepts:
        return partial(accepts, self.session, self.search) if self.advising else _never


def accepts(session: Mapping[str, Any], search: Search, question: str) -> bool:  # Any: JSON
    """Whether a question is understood in full, without a look-up or a question back."""
    return isinstance(Reader(session, question, search, None, advising=False).read(), Plan)


def _never(_question: str) -> bool:
    return False


def _unclear_bands(best: Interpretation) -> Draft | None:
    """Ask for the band where values of a raster of several bands are asked for and none is named: the first is not meant by itself."""
    used = {frame.cells.ref for frame in best.plan.frames if frame.cells and (frame.kind == "values" or frame.cells.ranges)}
    named = [reading for reading in best.readings if reading and reading.dataset.is_raster and reading.dataset.id in used]
    for reading in named:
        dataset = reading.dataset
        told = any(one.names_band for one in named if one.dataset.id == dataset.id)
        if not told and len(dataset.bands) > 1 and not any(band.is_categorical for band in dataset.bands):
            names = [band.names[0] if band.names else f"band {band.index}" for band in dataset.bands]
            return Draft(f"Which band of {dataset.id} is meant: {listing(names[:16], 'or')}?", "input_needed")
    return None


def _is_elliptic(clause: Clause) -> bool:
    """Whether a question does not say what it measures, as `what is the mean in X?`; one that does is never read as a follow-up."""
    measured = any(phrase.places and phrase.role in ("head", "of") for phrase in clause.phrases)
    return not (clause.measures and measured)


def _is_full(clause: Clause) -> bool:
    """Whether a clause with a pronoun is a whole question all the same, as `how far is it from A to B`."""
    return not clause.has("again") and len([phrase for phrase in clause.phrases if phrase.places]) > 1


def _differs(one: Interpretation, best: Interpretation) -> bool:
    """Whether two readings are of one kind but of other data, so that choosing would be a guess."""
    same_kind = [frame.kind for frame in one.plan.frames] == [frame.kind for frame in best.plan.frames] or {
        one.plan.frames[0].kind,
        best.plan.frames[0].kind,
    } <= {"cells", "extent"}
    return same_kind and _data(one) != _data(best)


def _names_columns(one: Interpretation, tokens: Sequence[Token]) -> bool:
    """Whether the question also says the name of a column by whose value features are chosen."""
    columns = [reading.dataset.column(test.column) for reading in one.readings if reading for test in reading.where]
    words = {token.lemma for token in tokens}
    return any(column and set(column.parts) & words for column in columns)


def _data(one: Interpretation) -> list[tuple[object, ...]]:
    """Return what the readings speak of; the features of a layer and the column of their names are one."""
    return [
        (reading.dataset.id, () if reading.means_features else reading.columns, reading.where, reading.classes)
        for reading in one.readings
        if reading
    ]


def is_about_results(clause: Clause, before: Plan) -> bool:
    """Whether a clause asks for nothing but the difference or a map of what was found."""
    if any(phrase.places for phrase in clause.phrases) or clause.limits:
        return False
    return clause.has("map") or (clause.has("difference") and (len(before.frames) >= 2 or halves(before.frames[0]) is not None))


def _marked(plan: Plan, before: Plan, clause: Clause, *, is_first: bool) -> Plan:
    if clause.has("difference") and len(before.frames) >= 2:
        return replace(before, derived="difference")
    if clause.has("difference") and (both := halves(before.frames[0])):
        return Plan(both, "difference")
    if clause.has("map"):
        return replace(plan, with_map=True) if not is_first else Plan((Frame("map"),))
    return plan


def _joined(plan: Plan, more: Plan) -> Plan:
    """Add what a later clause asks; what only refines the last frame takes its place."""
    if more.derived and more.frames == plan.frames:
        return more
    if more.derived and halves(plan.frames[-1]) == more.frames:
        return more
    last, first = plan.frames[-1], more.frames[0]
    if more.with_map and more.frames == plan.frames:
        return more
    is_refined = last.kind == "features" and not last.measures and first.kind == "nearest" and first.layer == last.layer
    kept = plan.frames[:-1] if is_refined else plan.frames
    frames = tuple(dict.fromkeys((*kept, *more.frames)))
    return Plan(frames, more.derived if len(more.frames) > 1 else plan.derived, plan.with_map or more.with_map)


def _sharing(clauses: Sequence[Clause]) -> list[Clause]:
    """Let `the area of A and the mean of B by zone` share its group: a clause without one takes that of the last."""
    last = clauses[-1]
    groups = tuple(phrase for phrase in last.phrases if phrase.role == "group" and phrase.places)
    if len(clauses) < 2 or not groups or last.has("nearest"):
        return list(clauses)
    return [clause if _has_place(clause) else replace(clause, phrases=(*clause.phrases, *groups)) for clause in clauses]


def _has_place(clause: Clause) -> bool:
    return any(phrase.role in ("group", "in", "for", "near") for phrase in clause.phrases) or not clause.phrases


def read_question(question: str, session: Mapping[str, Any], search: Search) -> Understood:  # Any: JSON
    """Read a question; see `Reader.read`."""
    previous = session.get("previous") or {}
    plan = Plan.from_json(previous.get("frame"))
    return Reader(session, question, search, plan if plan and _still_there(plan, read_atlas(session)) else None).read()


def _still_there(plan: Plan, atlas: Atlas) -> bool:
    refs = [frame.cells.derived.raster if frame.cells.derived else frame.cells.ref for frame in plan.frames if frame.cells]
    refs = [ref for ref in refs if ref] + [frame.layer.ref for frame in plan.frames if frame.layer]
    refs += [frame.zones.layer.ref for frame in plan.frames if frame.zones]
    refs += [layer.ref for frame in plan.frames for task in frame.tasks for layer in (task.layer, task.other) if layer]
    return all(atlas.has(ref) for ref in refs)
