"""How long past fits took, from the manifests of the models on disk."""

import logging

from foxml_assets.errors import TrainingError
from foxml_assets.layout import Layout
from foxml_assets.planning.preview import FitKey
from foxml_assets.training.manifest import MANIFEST_FILE, read_manifest

_log = logging.getLogger(__name__)


def past_fit_seconds(layout: Layout) -> dict[FitKey, float]:
    """Seconds of each fit by target, symbol and family; a damaged manifest is logged and left out."""
    found: dict[FitKey, float] = {}
    for path in sorted(layout.models.rglob(MANIFEST_FILE)):
        try:
            manifest = read_manifest(path)
        except TrainingError as error:
            _log.warning("%s", error)
            continue
        found[manifest.target, manifest.symbol, manifest.family] = manifest.seconds
    return found
