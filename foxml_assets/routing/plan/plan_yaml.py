"""routing_plan.yaml: the same content as the JSON, for people who prefer YAML."""

import msgspec
import yaml

from foxml_assets.routing.plan.plan_json import plan_json
from foxml_assets.routing.plan.routing_plan import RoutingPlan


def plan_yaml(plan: RoutingPlan) -> bytes:
    """The YAML mirror of the JSON file."""
    content = msgspec.json.decode(b"".join(plan_json(plan)))
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return yaml.dump(content, Dumper=dumper, sort_keys=False, allow_unicode=True, encoding="utf-8", width=110)
