"""Near copies that are copies for a part of the time only: all rows together dilute them."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from foxml_assets.evidence.arrays import Ints
from foxml_assets.evidence.leakage.copies import is_beyond_chance, mean_skill, skill_in_the_horizon
from foxml_assets.evidence.leakage.ranks import FeatureRanks, LabelView, label_skill
from foxml_assets.panel.data_config import EvidenceConfig


@dataclass(frozen=True)
class PartCopy:
    """The part of the time in which a feature is nearest to the label, and its skill there."""

    first: pd.Timestamp
    last: pd.Timestamp
    skill: float


def copies_for_a_time(
    features: FeatureRanks, news: FeatureRanks, label: LabelView, columns: Ints, config: EvidenceConfig
) -> dict[int, PartCopy]:
    """Which of the features in `columns` are near copies in one of as many parts as the folds cut the bars
    into.

    In so few rows honest skill is great now and then. So its `news` must tell the label there too, which of
    a function of the past it does not, both must be beyond what luck makes of these rows, and its values
    within the horizon must tell no more, as they do where the label is what the feature becomes.
    """
    panel, limits, found = features.panel, config.leakage, dict[int, PartCopy]()
    edges = np.linspace(0, panel.bar.max(initial=0) + 1, config.n_folds + 2).astype(np.int64)
    for first, stop in pairwise(edges.tolist()):
        inside = (panel.bar >= first) & (panel.bar < stop)
        here = LabelView(label.spec, np.where(inside, label.y, np.nan))
        skill = label_skill(features, here, columns, config)
        mean = np.nan_to_num(mean_skill(skill))
        near = (np.abs(mean) >= limits.near_copy_skill) & is_beyond_chance(skill, panel, here)
        if not near.any():
            continue
        of_news = label_skill(news, here, columns[near], config)
        telling = np.abs(np.nan_to_num(mean_skill(of_news))) >= limits.sudden_news_skill
        telling &= is_beyond_chance(of_news, panel, here)
        later = skill_in_the_horizon(features, here, columns[near], config)
        telling &= np.abs(mean[near]) >= np.abs(later)
        for at, value in zip(columns[near][telling].tolist(), mean[near][telling].tolist(), strict=True):
            if at not in found or abs(value) > abs(found[at].skill):
                found[at] = PartCopy(panel.times[first], panel.times[stop - 1], value)
    return found
