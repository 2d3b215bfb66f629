"""A root of a few cheap jobs, its instance and its sensors, as the daemon would use them."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import yaml
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from routed_world import POLICY, route_and_plan
from training_world import CONFIG, LONELY, RETURN, SYMBOLS, UP, World

from foxml_assets.defs.build import build_definitions
from foxml_assets.defs.graph import Graph, SensorFactory
from foxml_assets.defs.running.claims import Role
from foxml_assets.defs.running.instance import open_instance
from foxml_assets.defs.running.ledger import Ledger, ledger_of
from foxml_assets.defs.running.origin import origin_tags
from foxml_assets.defs.running.partitions import UNFINISHED
from foxml_assets.defs.running.stage_runs import QUIET, StageRun, training_runs
from foxml_assets.defs.sensors.training_sensor import pending_training
from foxml_assets.panel.panel_store import load_panel_info
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.master_plan import Job, MasterPlan
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.stages import Stage
from foxml_assets.storage.files import write_atomic
from foxml_assets.storage.layout import Layout
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.models.pending import pending_jobs
from foxml_assets.workspace import Workspace

HOLDER = """
import sys, time
from pathlib import Path
from foxml_assets.defs.running.claims import Role, hold_claim
hold_claim(Path(sys.argv[1]), sys.argv[2], Role(sys.argv[3]), "foxml train")
print("held", flush=True)
time.sleep(60)
"""
HOLDOUT = 0.2
# Symbols that get a model of their own, by target; six of them.
SIX = {UP: ("AAA", "BBB", "CCC"), RETURN: ("AAA", "BBB", "CCC")}


@dataclass(frozen=True)
class Tick:
    """The runs a tick asks for, or why it asks for none, its cursor, and the assets that it observed."""

    requests: list[dg.RunRequest]
    reason: str
    cursor: str | None
    observed: list[str]


@dataclass(frozen=True)
class Shell:
    """One root under one instance."""

    world: World
    workspace: Workspace
    instance: dg.DagsterInstance

    @property
    def layout(self) -> Layout:
        return self.workspace.layout

    @property
    def ledger(self) -> Ledger:
        """What the instance holds of the graph over the root."""
        return ledger_of(self.workspace, self.instance)

    def make_plan(
        self,
        own: dict[str, tuple[str, ...]] = SIX,
        *,
        pooled: Sequence[str] = (),
        policy: RoutingPolicy = POLICY,
    ) -> MasterPlan:
        """Plan the symbols of `own` alone, and the targets `pooled`, through the plan's asset."""
        scores: dict[str, dict[str | None, float]] = {LONELY: dict.fromkeys((None, *SYMBOLS), 0.9)}
        for target, good, bad in ((UP, 0.8, 0.5), (RETURN, 0.3, 0.0)):
            scores[target] = {symbol: good if symbol in own.get(target, ()) else bad for symbol in SYMBOLS}
            scores[target][None] = good if target in pooled else bad
        route_and_plan(self.world, scores, policy)
        assert self.execute(StageRun(Stage.PLAN.assets)).success
        return self.plan

    @property
    def plan(self) -> MasterPlan:
        return load_master_training_plan(self.layout.master_plan)

    def pending(self) -> list[str]:
        """The ids of the jobs that are not trained."""
        return [job.job_id for job in pending_jobs(self.plan, self.world.context)]

    def runs_of(
        self, jobs: Sequence[Job], batch_size: int = 200, *, no_others: bool = False
    ) -> list[StageRun]:
        return training_runs(self.ledger, self.plan, jobs, batch_size, no_others=no_others)

    def job(self) -> dg.JobDefinition:
        return build_definitions(self.workspace).resolve_implicit_global_asset_job_def()

    def execute(self, run: StageRun) -> dg.ExecuteInProcessResult:
        """Execute a run here and now, as the daemon's process would."""
        return self.job().execute_in_process(
            instance=self.instance,
            asset_selection=self.ledger.names.keys(run.assets),
            tags={**run.tags, **origin_tags()},
            run_config={**QUIET, **run.config(self.ledger.names)},
            raise_on_error=False,
        )

    def queue(
        self,
        assets: Sequence[str],
        tags: dict[str, str],
        status: dg.DagsterRunStatus,
        parent: str | None = None,
    ) -> dg.DagsterRun:
        """A run of the instance in that state, which nothing executes; of a `parent`, if it is one again."""
        return self.instance.create_run_for_job(
            self.job().get_subset(asset_selection=set(self.ledger.names.keys(assets))),
            asset_selection=frozenset(self.ledger.names.keys(assets)),
            tags=tags,
            status=status,
            parent_run_id=parent,
            root_run_id=parent,
            remote_job_origin=_origin(),
        )

    def tick(self, sensor: SensorFactory = pending_training, cursor: str | None = None) -> "Tick":
        """What the sensor answers now, after a tick that left `cursor`. What it observed is reported."""
        with dg.build_sensor_context(instance=self.instance, cursor=cursor) as context:
            answer = sensor(Graph(self.workspace))(context)
            left = context.cursor
        events = answer.asset_events if isinstance(answer, dg.SensorResult) else []
        for event in events:
            self.instance.report_runless_asset_event(event)
        requests = answer if isinstance(answer, list) else [answer]
        reasons = [one.skip_message or "" for one in requests if isinstance(one, dg.SkipReason)]
        runs = [one for one in requests if isinstance(one, dg.RunRequest)]
        return Tick(runs, "".join(reasons), left, [str(event.asset_key.path[-1]) for event in events])

    def edit(self, name: str, **changes: object) -> None:
        """Change keys of a config file."""
        path = self.workspace.config_dir / name
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}), encoding="utf-8")

    def unfinished(self) -> list[dg.DagsterRun]:
        return list(self.instance.get_runs(dg.RunsFilter(statuses=list(UNFINISHED))))


def copy_root(source: Path, folder: Path) -> World:
    """An independent copy of a root with its panel, configs and instance."""
    world = copy_under_same_source(source, folder)
    shutil.copy(source / "source.parquet", folder / "source.parquet")
    write_configs(world, folder)
    return world


def copy_under_same_source(source: Path, folder: Path) -> World:
    """A copy of a root whose panel is read from the same file, so that its configs are the same bytes."""
    for name in ("root", "config"):
        shutil.copytree(source / name, folder / name)
    layout = Layout(folder / "root")
    return World(TrainingContext(layout, load_panel_info(layout), CONFIG, HOLDOUT))


def write_configs(world: World, folder: Path) -> None:
    """The three config files that fit `world`."""
    data = {
        "panel": {
            "source": "parquet",
            "path": str(folder / "source.parquet"),
            "time_column": "date",
            "symbol_column": "symbol",
            "targets": [RETURN, UP, LONELY],
            "horizons": {RETURN: 5, UP: 5, LONELY: 5},
        },
        "evidence": {"holdout_fraction": HOLDOUT, "n_folds": 2},
    }
    settings = {
        "data": data,
        "routing": POLICY.model_dump(mode="json"),
        "training": world.context.config.model_dump(mode="json"),
    }
    for name, content in settings.items():
        write_atomic(folder / "config" / f"{name}_config.yaml", yaml.safe_dump(content).encode())


@contextmanager
def open_shell(world: World, folder: Path) -> Iterator[Shell]:
    """The root of `world` with its instance in the usual place."""
    workspace = Workspace(world.layout.root, folder / "config")
    with open_instance(workspace.dagster_home) as instance:
        yield Shell(world, workspace, instance)


def _origin() -> RemoteJobOrigin:
    location = RegisteredCodeLocationOrigin("foxml_assets")
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), "__ASSET_JOB")


@contextmanager
def another_process(root: Path, key: str, role: Role) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds a claim until it is killed."""
    command = [sys.executable, "-c", HOLDER, str(root), key, role.value]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()
