"""What `dg scaffold defs foxml_assets.FoxmlRouting` writes: a graph over the demo panel, ready to run."""

from pathlib import Path

import dagster as dg
import yaml

_CONFIGS: dict[str, dict[str, object]] = {
    "data_config.yaml": {"panel": {"source": "demo"}},
    "routing_config.yaml": {"profile": "development"},
    "training_config.yaml": {},
}


class RoutingScaffolder(dg.Scaffolder):
    """Writes a defs.yaml, and beside it the config files with every default."""

    def scaffold(self, request: dg.ScaffoldRequest) -> None:
        """Write them into the folder of the request."""
        name = request.target_path.name.replace("-", "_")
        attributes = {
            "root": "{{ context.project_root }}/output/" + name,
            "config_dir": ".",
            "key_prefix": name,
        }
        dg.scaffold_component(request, attributes)
        for file, settings in _CONFIGS.items():
            Path(request.target_path, file).write_text(yaml.safe_dump(settings), encoding="utf-8")
