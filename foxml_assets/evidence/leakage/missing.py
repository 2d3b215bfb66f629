"""Where features are missing, as features of their own: a column that is there only where the event happens
tells it, whatever its values."""

from dataclasses import dataclass, replace

import numpy as np

from foxml_assets.evidence.arrays import PanelArrays
from foxml_assets.evidence.leakage.ahead.lookahead import PastAndFuture, past_and_future
from foxml_assets.evidence.leakage.clock import told_by_clock
from foxml_assets.evidence.leakage.known import Known
from foxml_assets.evidence.leakage.ranks import FeatureRanks, feature_ranks
from foxml_assets.panel.data_config import EvidenceConfig

# Share of the rows that must be missing, and that must not.
_SOME = 0.01
# Correlation with the row before from which on that explains half of where a feature is missing.
_MEMORY = 0.7


@dataclass(frozen=True)
class Missing:
    """Whether features are missing, under their names, and what is known of that.

    Only of those that are missing now and then: what the row before tells, as a series that begins late or
    the first rows of a window, is a function of the past.
    """

    ranks: FeatureRanks
    past: PastAndFuture
    known: Known
    config: EvidenceConfig


def missing_features(
    panel: PanelArrays, known: Known, stop_bar: int, config: EvidenceConfig
) -> Missing | None:
    """What `Missing` holds; None where no feature is missing now and then."""
    flags = np.isnan(panel.X)
    if not flags.any():
        return None
    share = flags.mean(axis=0)
    asked = np.flatnonzero((share >= _SOME) & (share <= 1.0 - _SOME))
    # A flag of variance v that differs from the row before in a share d of rows has correlation 1 - d / 2v.
    differs = (flags[1:, asked] != flags[:-1, asked]).mean(axis=0)
    asked = asked[1.0 - differs / (2.0 * share[asked] * (1.0 - share[asked])) < _MEMORY]
    if not len(asked):
        return None
    names = tuple(panel.features[at] for at in asked.tolist())
    of_flags = replace(panel, features=names, X=flags[:, asked].astype(np.float32))
    ranks = feature_ranks(of_flags, config)
    past, nothing = past_and_future(ranks, stop_bar, config.leakage), np.zeros(len(names))
    # Columns that are missing together some rows apart are lags of each other, and none looks ahead.
    past = replace(past, future_share=nothing, witnessed=nothing, known_later=nothing)
    about = replace(known, features=names, changed={}, by_clock=told_by_clock(of_flags))
    return Missing(ranks, past, about, _settings(config))


def _settings(config: EvidenceConfig) -> EvidenceConfig:
    """The settings, but that only what is as strong as sudden news is doubted: a model need not use it."""
    limits = config.leakage
    changed = {"news_skill": limits.sudden_news_skill, "symbol_news_skill": 1.0, "detectors": ()}
    return config.model_copy(update={"leakage": limits.model_copy(update=changed)})
