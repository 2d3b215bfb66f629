"""What all targets of a panel share: made once, whatever their number."""

from dataclasses import dataclass

import numpy as np

from foxml_assets.evidence.arrays import FEWEST_ROWS, PanelArrays
from foxml_assets.evidence.leakage.ahead.lookahead import PastAndFuture, past_and_future
from foxml_assets.evidence.leakage.known import Known, known_features
from foxml_assets.evidence.leakage.missing import Missing, missing_features
from foxml_assets.evidence.leakage.ranks import FeatureRanks, feature_ranks
from foxml_assets.evidence.replay.replay_file import Replay
from foxml_assets.evidence.screening.tree_screen import BinnedPanel, bin_panel
from foxml_assets.panel.data_config import EvidenceConfig
from foxml_assets.panel.folds import holdout_start, walk_forward

_PART_OF_A_SYMBOL = 0.2


@dataclass(frozen=True)
class Shared:
    """What all targets share: made once, whatever their number. `config` is what the settings that were
    `asked` for come to on this panel."""

    panel: PanelArrays
    ranks: FeatureRanks
    past: PastAndFuture
    known: Known
    missing: Missing | None
    replay_hash: str | None
    binned: BinnedPanel
    config: EvidenceConfig
    asked: EvidenceConfig


def share(panel: PanelArrays, asked: EvidenceConfig, replay: Replay) -> Shared:
    """Rank, bin and examine the features of `panel`. Raises PanelError where it is not what `asked` says."""
    settings = _settings_for(panel, asked)
    known = known_features(panel, settings.leakage, replay)
    ranks = feature_ranks(panel, settings)
    stop_bar = holdout_start(len(panel.times), settings.holdout_fraction)
    past = past_and_future(ranks, stop_bar, settings.leakage)
    missing = missing_features(panel, known, stop_bar, settings)
    # Bins are shared by all targets, so they take the horizon that purges least; no label enters them.
    first_test = walk_forward(len(panel.times), 1, settings)[0].test_start
    binned = bin_panel(panel, first_test, settings)
    return Shared(panel, ranks, past, known, missing, replay.replay_hash, binned, settings, asked)


def _settings_for(panel: PanelArrays, settings: EvidenceConfig) -> EvidenceConfig:
    """The settings, with no more `min_rows` than _PART_OF_A_SYMBOL of what symbols usually have.

    Else models that training could fit would have no evidence.
    """
    rows = np.diff(panel.starts)
    usual = int(np.median(rows[rows > 0])) if (rows > 0).any() else 0
    least = max(int(_PART_OF_A_SYMBOL * usual), FEWEST_ROWS)
    return settings.model_copy(update={"min_rows": min(settings.min_rows, least)})
