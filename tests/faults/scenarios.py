"""What is killed, from which state, and what must hold when it was."""

import errno
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from fault_world import FaultWorld, change_policy, copy_world, drop_jobs, make_world, write_configs
from faults import Ended, Fault, Server, contents, model_stamps

from foxml_assets.core.errors import FoxmlError
from foxml_assets.families.registry import find_family
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.planning.store.history import history_files
from foxml_assets.planning.store.tree import tree_problems
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.training.models.manifest import MANIFEST_FILE, ModelState
from foxml_assets.training.models.stored import is_done, stored_model

KILL, EIO, FULL = "kill", "EIO", "disk full"
KINDS = (KILL, EIO, FULL)
EDIT, DROP, UNDO = "edit", "drop", "undo"


@dataclass(frozen=True)
class Scenario:
    """A stage that is disturbed, and what was done before it: stages and edits of the configs.

    EDIT makes it another plan, DROP one without a job; UNDO takes that back.
    """

    name: str
    before: tuple[str, ...]
    stage: str

    @property
    def call(self) -> str:
        """The function that the stage is, as the server takes it."""
        return f"stages:{self.stage}_command"


SCENARIOS = (
    Scenario("an import", (), "import_table"),
    Scenario("a first plan", ("import_table",), "plan"),
    Scenario("a first training", ("import_table", "plan"), "train"),
    Scenario("another plan", ("import_table", "run", EDIT), "plan"),
    Scenario("another training", ("import_table", "run", EDIT, "plan"), "train"),
    Scenario("a plan without jobs", ("import_table", "run", DROP), "plan"),
    Scenario("a return", ("import_table", "run", DROP, "plan", UNDO, "plan"), "train"),
)


@dataclass(frozen=True)
class Undisturbed:
    """The world before the stage, and what the stage makes of it: its artifacts, its plans, its calls."""

    template: FaultWorld
    scenario: Scenario
    calls: int
    before: Mapping[str, str]
    after: Mapping[str, str]
    plans: frozenset[str]
    jobs_before: tuple[Job, ...]
    jobs: tuple[Job, ...]


@dataclass
class Tally:
    """What the cases came to."""

    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Count the cases of `other` too."""
        self.outcomes += other.outcomes
        self.wrong += other.wrong

    def __str__(self) -> str:
        counted = ", ".join(f"{number} {what}" for what, number in sorted(self.outcomes.items()))
        return f"{counted}; {len(self.wrong)} wrong"


def fault(kind: str, at: int) -> Fault:
    """The fault of that kind at call number `at`. A full disk stays full."""
    if kind == KILL:
        return Fault(at)
    return Fault(at, "fail", errno.EIO) if kind == EIO else Fault(at, "fail from", errno.ENOSPC)


def make_before(server: Server, scenario: Scenario, folder: Path) -> FaultWorld:
    """The world before the stage of a scenario, in `folder`."""
    world = make_world(folder / "template")
    for stage in scenario.before:
        if stage == EDIT:
            change_policy(world)
        elif stage == DROP:
            drop_jobs(world)
        elif stage == UNDO:
            write_configs(world)
        else:
            _must(run_stage(server, world, stage))
    return world


def undisturbed(server: Server, scenario: Scenario, template: FaultWorld) -> Undisturbed:
    """What the stage makes of a copy of `template`, beside it."""
    world = copy_world(template, template.folder.with_name("undisturbed"))
    ended = run_stage(server, world, scenario.stage)
    _must(ended)
    plans = frozenset(filter(None, (plan_hash(template), plan_hash(world))))
    before, after = contents(template.root), contents(world.root)
    return Undisturbed(
        template, scenario, ended.calls, before, after, plans, planned_jobs(template), planned_jobs(world)
    )


def run_stage(server: Server, world: FaultWorld, stage: str, at: Fault | None = None) -> Ended:
    """Run a stage of `stages.py`."""
    call = f"stages:{stage}_command"
    return server.run(world, call, *world.arguments, **({} if at is None else {"fault": at}))


def disturb(server: Server, known: Undisturbed, kind: str, calls: Sequence[int], folder: Path) -> Tally:
    """Disturb the stage at each of `calls`, in a world of its own, and resume."""
    tally = Tally()
    for at in calls:
        with _own_copy(known.template, folder) as world:
            problems, outcome = _disturb_once(server, known, world, fault(kind, at))
        tally.outcomes[outcome] += 1
        tally.wrong += [
            f"{known.scenario.name}, {kind} at call {at} of {known.calls}: {one}" for one in problems
        ]
    return tally


def _disturb_once(server: Server, known: Undisturbed, world: FaultWorld, at: Fault) -> tuple[list[str], str]:
    ended = run_stage(server, world, known.scenario.stage, at)
    problems = list(ending_problems(ended, at))
    problems += whole_problems(world, known.plans)
    problems += model_problems(world, contents(world.root), known)
    done = trained_stamps(world, known.jobs)
    resumed = run_stage(server, world, known.scenario.stage)
    if resumed.code != 0:
        problems.append(f"the resume ended with {resumed.code}: {resumed.output[-500:]}")
    problems += difference(known.after, contents(world.root))
    again = [path.name for path, stamp in done.items() if model_stamps(world).get(path) != stamp]
    problems += [f"was made again though it was trained: {name}" for name in again]
    return problems, {-9: "killed", 0: "absorbed", 1: "refused"}.get(ended.code, f"ended with {ended.code}")


def ending_problems(ended: Ended, at: Fault) -> Iterator[str]:
    """What is wrong with how a disturbed command ended: an error is typed, and its exit code is 1."""
    if at.action == "kill":
        if ended.code != -9:
            yield f"was not killed: {ended.code}"
    elif ended.code not in (0, 1) or "Traceback" in ended.output:
        yield f"ended with {ended.code}: {ended.output[-700:]}"


def whole_problems(world: FaultWorld, plans: frozenset[str]) -> Iterator[str]:
    """What a reader finds that is neither the old plan nor the new one, whole."""
    layout = world.layout
    try:
        if layout.training_plan_dir.exists():
            plan = load_master_training_plan(layout.master_plan)
            if plan.metadata.plan_hash not in plans:
                yield "the plan is neither the old nor the new one"
            for problem in tree_problems(plan, layout.training_plan_dir):
                yield f"plan folder: {problem}"
            for path in history_files(layout.training_plan_dir):
                if load_master_training_plan(path).metadata.plan_hash != path.stem:
                    yield f"history: {path.name} is another plan"
        elif len(plans) > 1:
            yield "there is no plan"
        if layout.routing_plan_dir.exists():
            read_routing_plan(layout)
        elif len(plans) > 1:
            yield "there is no routing plan"
    except FoxmlError as error:
        yield f"a reader is refused: {error}"


def model_problems(world: FaultWorld, found: Mapping[str, str], known: Undisturbed) -> Iterator[str]:
    """Models that count as trained, but are neither what was there nor what is to be there.

    What lies between counts as not trained: the manifest is written last, and names the hash of its model.
    """
    context = world.model_context()
    for job in (*known.jobs_before, *known.jobs):
        for family in job.model_families:
            if stored_model(job, family, context).state is ModelState.TRAINED:
                folder = (
                    world.layout.model_dir(job.target, job.symbol, family).relative_to(world.root).as_posix()
                )
                here, old, new = (_model_in(folder, of) for of in (found, known.before, known.after))
                if here not in (old, new):
                    yield f"neither the old model nor the new one: {folder}"


def _model_in(folder: str, artifacts: Mapping[str, str]) -> dict[str, str]:
    """The manifest and the model's file."""
    model = find_family(PurePath(folder).name).model_file
    names = [f"{folder}/{name}" for name in (MANIFEST_FILE, model)]
    return {name: artifacts[name] for name in names if name in artifacts}


def plan_hash(world: FaultWorld) -> str | None:
    """The hash of the plan on disk, if there is one."""
    path = world.layout.master_plan
    return load_master_training_plan(path).metadata.plan_hash if path.exists() else None


def trained_stamps(world: FaultWorld, jobs: Iterable[Job]) -> dict[Path, tuple[int, int]]:
    """The stamps of the models that those of `jobs` have which need no more work."""
    layout, context = world.layout, world.model_context()
    done = [job for job in jobs if is_done(job, context)]
    folders = {layout.model_dir(job.target, job.symbol, one) for job in done for one in job.model_families}
    return {path: stamp for path, stamp in model_stamps(world).items() if path.parent in folders}


def planned_jobs(world: FaultWorld) -> tuple[Job, ...]:
    """The jobs of the plan on disk."""
    path = world.layout.master_plan
    return load_master_training_plan(path).jobs if path.exists() else ()


def difference(expected: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    """Where the artifacts found are not those expected."""
    for name in sorted(expected.keys() | found.keys()):
        if name not in expected:
            yield f"left over: {name}"
        elif name not in found:
            yield f"missing: {name}"
        elif expected[name] != found[name]:
            yield f"differs: {name}"


def _must(ended: Ended) -> None:
    if ended.code != 0:
        raise AssertionError(ended.output)


@contextmanager
def _own_copy(template: FaultWorld, folder: Path) -> Iterator[FaultWorld]:
    world = copy_world(template, folder / "case")
    try:
        yield world
    finally:
        shutil.rmtree(world.folder)
