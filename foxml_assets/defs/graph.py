"""A routing graph is declared once, in plain names, and built for each workspace that has one.

What is declared here becomes a factory: it makes the definition of the part for a `Graph`.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast, get_type_hints

import dagster as dg

from foxml_assets.defs.running.held_databases import use_connections_again, use_statements_again
from foxml_assets.defs.running.ledger import Names, names_in
from foxml_assets.defs.running.runs import claim_run, claim_server
from foxml_assets.defs.sensors.automation import when_inputs_change
from foxml_assets.stages import PANEL_SOURCE
from foxml_assets.workspace import Workspace

Context = dg.AssetExecutionContext | dg.AssetCheckExecutionContext
# A body takes the context of its kind, the workspace and, if it has one, its config.
Body = Callable[..., object]
Answer = list[dg.RunRequest] | dg.RunRequest | dg.SensorResult | dg.SkipReason
Tick = Callable[[dg.SensorEvaluationContext, Workspace], Answer]


@dataclass(frozen=True)
class Graph:
    """One graph to build: its workspace, and what it is called and does by itself.

    The workspace is no resource: run config cannot redirect it, and several graphs share a code location.
    """

    workspace: Workspace
    group_prefix: str = ""
    owners: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    panel_asset: dg.AssetKey | None = None
    """Another's asset, which writes what the panel is made from."""
    panel_max_age: timedelta | None = None
    """By when a panel should be followed by another."""
    plan_follows_inputs: bool = True
    training_follows_plan: bool = True

    @property
    def names(self) -> Names:
        return names_in(self.workspace)

    def group(self, name: str) -> str:
        """The name of a group of assets."""
        return f"{self.group_prefix}_{name}" if self.group_prefix else name

    def partitions(self, partition_set: str) -> dg.DynamicPartitionsDefinition:
        """The definition of a set of partitions."""
        return dg.DynamicPartitionsDefinition(name=self.names.flat(partition_set))

    def completed(self, spec: dg.AssetSpec) -> dg.AssetSpec:
        """`spec` with what all assets of the graph have, and the panel and its source with what is theirs."""
        whole = spec.merge_attributes(owners=self.owners, tags=self.tags)
        if spec.key == self.names.key(PANEL_SOURCE) and self.panel_asset is not None:
            return whole.merge_attributes(deps=[self.panel_asset])
        if spec.key == self.names.key("panel") and self.panel_max_age is not None:
            fresh = dg.FreshnessPolicy.time_window(self.panel_max_age)
            return whole.replace_attributes(freshness_policy=fresh)
        return whole


@dataclass(frozen=True)
class Check:
    """One property of an asset that is checked: what `holds`, and how it is mended where it does not.

    `looks_at` names what else it reads.
    """

    asset: str
    name: str
    holds: str
    mend: str
    is_blocking: bool = False
    looks_at: tuple[str, ...] = ()

    def key(self, names: Names) -> dg.AssetCheckKey:
        return dg.AssetCheckKey(names.key(self.asset), self.name)

    def spec(self, names: Names) -> dg.AssetCheckSpec:
        return dg.AssetCheckSpec(
            self.name,
            asset=names.key(self.asset),
            description=f"{self.holds} If not: {self.mend}",
            blocking=self.is_blocking,
            additional_deps=names.keys(self.looks_at),
        )


Factory = Callable[[Graph], dg.AssetsDefinition]
CheckFactory = Callable[[Graph], dg.AssetChecksDefinition]
SensorFactory = Callable[[Graph], dg.SensorDefinition]


def asset(
    name: str,
    *,
    group: str,
    deps: Sequence[str] = (),
    follows_inputs: bool = False,
    partition_set: str | None = None,
    pool: str | None = None,
    config: type[dg.Config] | None = None,
    kinds: Set[str] = frozenset(),
    description: str | None = None,
    code_version: str | None = None,
    backfill_policy: dg.BackfillPolicy | None = None,
    output_required: bool = True,
) -> Callable[[Body], Factory]:
    """Declare an asset, in Dagster's terms but for the plain names."""

    def declare(body: Body) -> Factory:
        def build(graph: Graph) -> dg.AssetsDefinition:
            names = graph.names
            make: Callable[[Body], dg.AssetsDefinition] = dg.asset(
                key=names.key(name),
                group_name=graph.group(group),
                deps=names.keys(deps),
                automation_condition=when_inputs_change(names) if follows_inputs else None,
                partitions_def=graph.partitions(partition_set) if partition_set else None,
                pool=names.flat(pool) if pool else None,
                config_schema=config.to_fields_dict() if config else None,
                description=description or inspect.getdoc(body),
                metadata=code_of(body),
                kinds=set(kinds),
                code_version=code_version,
                backfill_policy=backfill_policy,
                output_required=output_required,
            )
            return make(bound(body, graph, config))

        return build

    return declare


def checks(
    name: str, of: Sequence[Check], *, config: type[dg.Config] | None = None
) -> Callable[[Body], CheckFactory]:
    """Declare the checks `of` that are looked at together; a run may ask for some of them."""

    def declare(body: Body) -> CheckFactory:
        def build(graph: Graph) -> dg.AssetChecksDefinition:
            make = dg.multi_asset_check(
                name=graph.names.flat(name),
                specs=[check.spec(graph.names) for check in of],
                config_schema=config.to_fields_dict() if config else None,
                description=inspect.getdoc(body),
                can_subset=True,
            )
            return make(_asked_for(bound(body, graph, config)))

        return build

    return declare


def sensor(
    name: str,
    *,
    assets: Sequence[str] = (),
    job: str | None = None,
    seconds: int,
    is_on: Callable[[Graph], bool] = lambda _: True,
) -> Callable[[Tick], SensorFactory]:
    """Declare a sensor that launches runs of `assets`, or of a job, and runs by default where `is_on`."""

    def declare(tick: Tick) -> SensorFactory:
        def build(graph: Graph) -> dg.SensorDefinition:
            names, workspace = graph.names, graph.workspace

            def evaluate(context: dg.SensorEvaluationContext) -> Answer:
                claim_server(workspace)
                return tick(context, workspace)

            make = dg.sensor(
                name=names.flat(name),
                asset_selection=dg.AssetSelection.assets(*names.keys(assets)) if assets else None,
                job_name=names.flat(job) if job else None,
                minimum_interval_seconds=seconds,
                default_status=default_status(is_on(graph)),
                description=inspect.getdoc(tick),
            )
            return make(evaluate)

        return build

    return declare


def default_status(is_on: bool) -> dg.DefaultSensorStatus:
    """Whether a sensor runs before anybody has switched it on or off."""
    return dg.DefaultSensorStatus.RUNNING if is_on else dg.DefaultSensorStatus.STOPPED


def _asked_for(compute: Body) -> Body:
    """`compute` without the results of checks that the run does not ask for."""

    def asked_for(context: Context) -> Iterator[object]:
        keys = {(key.asset_key, key.name) for key in context.selected_asset_check_keys}
        for result in cast("Iterable[dg.AssetCheckResult]", compute(context)):
            if (result.asset_key, result.check_name) in keys:
                yield result

    asked_for.__annotations__ = compute.__annotations__
    return asked_for


def code_of(body: Body) -> dict[str, dg.MetadataValue]:
    """Metadata that leads whoever asks in the UI for an asset's code to its body, not to what wraps it."""
    where = dg.LocalFileCodeReference(
        file_path=inspect.getsourcefile(body) or "",
        line_number=inspect.getsourcelines(body)[1],
        label=body.__name__,
    )
    return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[where])}


def bound(body: Body, graph: Graph, config: type[dg.Config] | None = None) -> Body:
    """`body` as Dagster calls it: the process that executes the run claims it before the body begins."""
    workspace = graph.workspace

    def whole(context: Context) -> object:
        claim_run(context.instance, context.run, workspace.root)
        use_connections_again(context.instance)
        use_statements_again(context.instance)
        given = [config(**context.op_execution_context.op_config)] if config else []
        return body(context, workspace, *given)

    def stepwise(context: Context) -> Iterator[object]:
        yield from cast("Iterable[object]", whole(context))

    compute: Body = stepwise if inspect.isgeneratorfunction(body) else whole
    hints = get_type_hints(body)
    # Dagster reads from these what kind of context to give and what comes out.
    compute.__annotations__ = {"context": hints["context"], "return": hints["return"]}
    return compute
