"""The lag profile behind a finding: the feature's skill at earlier and later rows, beside that of a copy."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from foxml_assets.evidence.arrays import Floats
from foxml_assets.evidence.leakage.copies import mean_skill
from foxml_assets.evidence.leakage.findings import Finding, LagSkill
from foxml_assets.evidence.leakage.ranks import FeatureRanks, LabelView, label_ranks, label_skill
from foxml_assets.panel.data_config import EvidenceConfig


def with_profiles(
    findings: Sequence[Finding], features: FeatureRanks, label: LabelView, config: EvidenceConfig
) -> tuple[Finding, ...]:
    """The findings of one target, each with its feature's lag profile."""
    if not findings:
        return ()
    panel, lags = features.panel, _lags(label.spec.horizon_bars)
    names = sorted({one.feature for one in findings})
    columns = np.array([panel.features.index(name) for name in names])
    skill = np.stack([label_skill(features, label, columns, config, lag) for lag in lags])
    # A copy orders the label as the label's own earlier and later values do, less by its noise.
    itself = FeatureRanks(panel, np.concatenate(label_ranks(panel, label)).astype(np.float32))
    memory = np.stack([label_skill(itself, label, np.array([0]), config, lag) for lag in lags])
    # Skill in the label's own row, symbols x columns, times the memory by lag: lags x symbols x columns.
    copy = skill[lags.index(0)] * memory

    def profile(one: Finding) -> tuple[LagSkill, ...]:
        column = names.index(one.feature)
        found, copied = (_on(values[:, :, column], one.symbol, panel.symbols) for values in (skill, copy))
        return tuple(map(LagSkill, lags, _numbers(found), _numbers(copied)))

    return tuple(replace(one, profile=profile(one)) for one in findings)


def _lags(horizon: int) -> tuple[int, ...]:
    """A row, half a horizon, one and two horizons, before and after."""
    near = {0, 1, (horizon + 1) // 2, horizon, 2 * horizon}
    return tuple(sorted({*near, *(-lag for lag in near)}))


def _on(values: Floats, symbol: str | None, symbols: tuple[str, ...]) -> Floats:
    """A value per lag of `values` (lags x symbols): the symbol's, or the mean over all."""
    return mean_skill(values.T) if symbol is None else values[:, symbols.index(symbol)]


def _numbers(values: Floats) -> list[float | None]:
    return [round(value, 6) if np.isfinite(value) else None for value in values.tolist()]
