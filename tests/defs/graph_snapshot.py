"""The whole graph in lines of text. Run as a script, it renews the snapshot: a diff of it is for review."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from foxml_assets.defs.build import build_definitions
from foxml_assets.workspace import Workspace

SNAPSHOT = Path(__file__).with_name("graph_snapshot.txt")
CONFIG_DIR = Path(__file__).parents[2] / "config"


def graph_lines(root: Path) -> Iterator[str]:
    """An asset or check and what is declared of it, a line each, in the order of names."""
    definitions = build_definitions(Workspace(root, CONFIG_DIR))
    graph = definitions.resolve_asset_graph()
    for key in sorted(graph.get_all_asset_keys(), key=str):
        node = graph.get(key)
        condition = node.automation_condition
        yield from _lines(
            f"asset {key.to_user_string()}",
            group=node.group_name,
            reads=", ".join(sorted(parent.to_user_string() for parent in node.parent_keys)),
            partitions=node.partitions_def.name if node.partitions_def else "",
            kinds=", ".join(sorted(node.kinds)),
            automation=condition.get_label() if condition else "",
            pools=", ".join(sorted(node.pools or ())),
            executable="" if node.is_executable else "no",
        )
    for check in sorted(graph.asset_check_keys, key=str):
        spec = graph.get_check_spec(check)
        yield from _lines(
            f"check {check.asset_key.to_user_string()}: {check.name}",
            blocking="yes" if spec.blocking else "",
            looks_at=", ".join(sorted(dep.asset_key.to_user_string() for dep in spec.additional_deps)),
        )
    for name in sorted(sensor.name for sensor in definitions.sensors or ()):
        yield f"sensor {name}"
    for name in sorted(job.name for job in definitions.jobs or ()):
        yield f"job {name}"


def _lines(head: str, **facts: str | None) -> Iterator[str]:
    yield head
    yield from (f"    {name}: {value}" for name, value in facts.items() if value)


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        SNAPSHOT.write_text("\n".join(graph_lines(Path(folder))) + "\n", encoding="utf-8")
