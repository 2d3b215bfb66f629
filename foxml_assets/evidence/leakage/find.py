"""Which features know too much about a target, found before any of its models is fitted.

Three questions in order. Does the panel's future explain the feature better than its past? Then it looks
ahead. Is it a function of the past? Then it can be no copy of a label. Otherwise it brings news that the
panel cannot bear out, and its skill, its lag profile and what is left without it must tell.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.evidence.arrays import Flags, Floats, PanelArrays
from foxml_assets.evidence.lag_profile import with_profiles
from foxml_assets.evidence.leakage.ahead.lookahead import PastAndFuture, asked_apart
from foxml_assets.evidence.leakage.copies import (
    beyond_others_here,
    feature_memory,
    found_together,
    is_beyond_chance,
    label_memory,
    made_of_news,
    mean_skill,
    moves_like_the_label,
    skill_in_the_horizon,
)
from foxml_assets.evidence.leakage.detector import ask_detectors
from foxml_assets.evidence.leakage.findings import Ahead, Finding, Findings
from foxml_assets.evidence.leakage.known import Known
from foxml_assets.evidence.leakage.label_news import label_news
from foxml_assets.evidence.leakage.leaks import Leaks, strongest_on_each, worst_statuses
from foxml_assets.evidence.leakage.missing import Missing
from foxml_assets.evidence.leakage.parts import PartCopy, copies_for_a_time
from foxml_assets.evidence.leakage.ranks import FeatureRanks, LabelView, label_skill, rows_to_examine
from foxml_assets.panel.data_config import EvidenceConfig, OnNearCopy

# How far R2 falls where features explain each other: of strong ones, and of those under suspicion.
_LEANS_ON = 0.1
_LEANS_AT_ALL = 0.02
# Of less news than this a window without memory looks ahead: later rows know what is left by rounding.
_SOME_NEWS = 0.05
# Autocorrelation of a feature's ranks that can be told from none, and how closely its skill must follow it.
_SOME_MEMORY = 0.3
_MEMORY_TOLERANCE = 0.12
# Skill of later values over that of the present one: 1.13 to 1.36 of series with memory that forecast their
# own mean, up to 1.06 of windows of them that look ahead.
_NEARER = 1.1

SkillLeft = Callable[[Flags, Flags], tuple[float, float]]
"""Skill of the pooled model with the features in the first mask, and with those in the second."""


def find_leaks(
    features: FeatureRanks,
    past: PastAndFuture,
    label: LabelView,
    known: Known,
    missing: Missing | None,
    skill_left: SkillLeft,
    config: EvidenceConfig,
) -> Leaks:
    """Examine every feature for one target, as far as nothing is `known` of it, and where it is `missing`."""
    panel, limits = features.panel, config.leakage
    skill = label_skill(features, label, np.arange(len(panel.features)), config)
    examined = ~np.isnan(skill)
    measured = examined.sum(axis=0)
    # Features this strong could be copies of one label that vouch for each other.
    strong = np.abs(np.nan_to_num(mean_skill(skill))) >= limits.made_of_news
    together = np.flatnonzero(strong)
    past = asked_apart(past, features, together, together, _LEANS_ON)
    case = _Case(features, past, label, known, skill, config)

    ahead = case.looking_ahead()
    if ahead.found.any():
        # What is left out does not vouch for what is left.
        asked = np.flatnonzero((case.mean >= limits.news_skill) & ~ahead.found)
        past = asked_apart(past, features, asked, np.flatnonzero(ahead.found), _LEANS_AT_ALL)
        case = replace(case, past=past)
        ahead = case.looking_ahead()
    # What is a function of the past can be no copy. A feature nobody could explain counts as news.
    unexplained = np.nan_to_num(past.past_r2) < limits.past_r2
    fresh = unexplained & known.doubted
    near = (np.abs(np.nan_to_num(skill)) >= limits.near_copy_skill) & known.may_copy
    near = found_together(near, skill, panel, label, limits.near_copy_skill)
    # What the past explains, on the symbol itself too, is a function of it and no copy.
    near &= unexplained | ahead.found | case.fresh_on(near)
    # On half of the symbols that measured it: then the label itself stands among the features.
    on_most = near.any(axis=0) & (2 * near.sum(axis=0) >= measured)
    on_many = case.on_many(near)
    for_a_time = case.copies_for_a_time(~ahead.found & ~on_many)
    copied = on_many.copy()
    copied[list(for_a_time)] = True
    news = case.unexplained_news(fresh, ~ahead.found & ~copied, skill_left)
    others = ask_detectors(limits.detectors, panel, label, known, skill)

    absent = _found_missing(missing, label, panel.features) if missing else _Absent.none(panel)
    blocked = copied | ahead.found | others.blocked | absent.blocked
    suspect = news.overall | others.suspect | absent.suspect
    dropped = blocked | suspect
    make = Findings(past, skill)
    findings = [
        *make.near_copies(None, on_many),
        *make.near_copies_for_a_time(for_a_time),
        *make.replayed(known.changed),
        *make.looking_ahead(ahead.found & ~on_many & ~known.look_ahead, ahead),
        *make.news(None, news.overall, news.left),
    ]
    for code in range(len(panel.symbols)):
        findings += make.near_copies(code, near[code])
        findings += make.news(code, news.by_symbol[code] & ~news.overall, None)
    findings += others.findings
    findings += absent.findings
    strongest = strongest_on_each(skill, ~dropped)
    blocks = limits.on_near_copy is OnNearCopy.BLOCK
    return Leaks(
        findings=with_profiles(findings, features, label, config),
        statuses=worst_statuses((measured > 0) | known.proven, suspect, blocked),
        skill=skill,
        blocked=np.asarray(((near if blocks else near & ~dropped) | others.blocked_on).any(axis=1)),
        suspect=np.asarray(((news.by_symbol | others.suspect_on) & ~dropped).any(axis=1)),
        examined=np.asarray(examined.any(axis=1)),
        needed_rows=rows_to_examine(panel, label, config),
        target_blocked=blocks and bool(on_most.any()),
        fresh=fresh,
        rests_on_past=not bool(fresh[np.argmax(np.where(dropped, -1.0, case.mean))]),
        symbol_rests_on_past=np.asarray(~case.fresh_on(strongest & known.doubted).any(axis=1)),
    )


@dataclass(frozen=True)
class _Absent:
    """Features that tell too much by where they are missing, for the whole target."""

    blocked: Flags
    suspect: Flags
    findings: tuple[Finding, ...]

    @staticmethod
    def none(panel: PanelArrays) -> "_Absent":
        nothing = np.zeros(len(panel.features), dtype=bool)
        return _Absent(nothing, nothing, ())


def _found_missing(missing: Missing, label: LabelView, features: tuple[str, ...]) -> _Absent:
    # A model that fills in means has lost nothing without them, so what is left of its skill is not asked.
    about = find_leaks(
        missing.ranks, missing.past, label, missing.known, None, lambda full, kept: (1.0, 0.0), missing.config
    )
    statuses = dict(zip(missing.known.features, about.statuses, strict=True))
    blocked, suspect = (
        np.array([statuses.get(name) is status for name in features], dtype=bool)
        for status in (LeakageStatus.BLOCKED, LeakageStatus.SUSPECT)
    )
    findings = tuple(
        replace(one, reason=f"where {one.feature} is missing tells too much: {one.reason}")
        for one in about.findings
        if one.symbol is None
    )
    return _Absent(blocked, suspect, findings)


@dataclass(frozen=True)
class _News:
    overall: Flags
    by_symbol: Flags
    left: float | None


@dataclass(frozen=True)
class _Case:
    """What is known about one target, and the questions asked of it."""

    features: FeatureRanks
    past: PastAndFuture
    label: LabelView
    known: Known
    skill: Floats
    config: EvidenceConfig

    @cached_property
    def mean(self) -> Floats:
        """Size of each feature's skill over all symbols, 0 where unknown."""
        return np.abs(np.nan_to_num(mean_skill(self.skill)))

    def fresh_on(self, where: Flags) -> Flags:
        """Where (symbols x features) the past explains too little of the symbol's own rows."""
        fresh = np.zeros(where.shape, dtype=bool)
        for symbol, at in np.argwhere(where).tolist():
            rows = self.features.panel.rows_of(symbol)
            left, ranks = self.past.news.ranks[rows, at], self.features.ranks[rows, at]
            known = np.isfinite(left)
            # R2: ranks centre on 0, so their squares are the variance; the floor is for constant features.
            explained = 1.0 - np.square(left[known]).sum() / max(np.square(ranks[known]).sum(), 1e-9)
            fresh[symbol, at] = explained < self.config.leakage.past_r2
        return fresh

    def on_many(self, where: Flags) -> Flags:
        """Features found on more symbols than chance or one bad series explains (symbols x features)."""
        measured = (~np.isnan(self.skill)).sum(axis=0)
        found = where.sum(axis=0)
        # Three symbols or a share of them, but never more than half of those measured.
        wanted = np.minimum(np.maximum(3, self.config.leakage.many_symbols * measured), np.ceil(measured / 2))
        return np.asarray((found > 0) & (found >= wanted))

    def copies_for_a_time(self, asked: Flags) -> dict[int, PartCopy]:
        """Those of the features `asked` that are near copies for a part of the time."""
        has_news = np.nan_to_num(self.past.past_r2) <= 1.0 - _SOME_NEWS
        columns = np.flatnonzero(asked & self.known.may_copy & has_news)
        return copies_for_a_time(self.features, self.past.news, self.label, columns, self.config)

    def looking_ahead(self) -> Ahead:
        """Features whose skill stands in later rows of the panel, or that bring the label piece by piece.

        A feature beside its own lagged copy is explained by later rows as well, and is harmless: where no
        other column bears it out it is cleared if its skill lasts when the lead is taken back. What surely
        looks ahead does so for every target, whatever its skill.
        """
        limits, n = self.config.leakage, len(self.features.panel.features)
        found, back, made = self.known.look_ahead.copy(), np.full(n, np.nan), np.full(n, np.nan)
        sure = self.known.doubted & self._surely_ahead()
        for at in np.flatnonzero(sure & ~found).tolist():
            found[at], back[at] = True, self._taken_back(at)
        asked = self.known.doubted & (self.mean >= limits.look_ahead_skill)
        # Skill this great is asked about even where replay or the clock has settled the question.
        asked |= self.known.may_copy & (self.mean >= limits.near_copy_skill)
        for at in np.flatnonzero(asked & ~sure).tolist():
            made[at] = made_of_news(self.past.news, self.label, at)
            if np.nan_to_num(made[at]) >= limits.made_of_news:
                found[at] |= not self._becomes_the_label(at, made[at])
            if np.nan_to_num(self.past.future_share[at]) >= limits.look_ahead_share:
                back[at] = self._taken_back(at)
                found[at] |= self._is_borne_out(at) or not self._lasts(at, back[at])
        lasting = self._lasting() & ~found
        return Ahead(found | lasting, back, made, lasting)

    def _becomes_the_label(self, at: int, made: float) -> bool:
        """Whether the label is what an honest feature with memory becomes, as turnover of the next days is.

        Then its value tells no less than its news, and its values within the label's horizon tell more.
        """
        later = skill_in_the_horizon(self.features, self.label, np.array([at]), self.config)
        return bool(made <= self.mean[at] and np.abs(later[0]) >= _NEARER * self.mean[at])

    def _lasting(self) -> Flags:
        """Features of great skill that others' later rows know and their earlier ones do not.

        Their own earlier rows do not excuse them: what looks ahead and lasts explains itself.
        """
        limits = self.config.leakage
        known = np.nan_to_num(self.past.known_later) >= limits.lasting_share
        return np.asarray(self.known.doubted & (self.mean >= limits.lasting_skill) & known)

    def _surely_ahead(self) -> Flags:
        """Features of which no small part is news that other columns bear out at later rows."""
        has_news = np.nan_to_num(self.past.past_r2, nan=1.0) <= 1.0 - _SOME_NEWS
        return np.asarray(
            has_news & (np.nan_to_num(self.past.witnessed) >= self.config.leakage.look_ahead_sure)
        )

    def _taken_back(self, at: int) -> float:
        """Skill of the feature as it was its lead ago."""
        lead, column = int(self.past.lead_bars[at]), np.array([at])
        return float(mean_skill(label_skill(self.features, self.label, column, self.config, lead))[0])

    def _is_borne_out(self, at: int) -> bool:
        """Whether later rows know the news by more than a column that is the feature some rows ago. Beside
        such a column an honest feature looks as one that was shifted ahead."""
        limits, witnessed = self.config.leakage, float(np.nan_to_num(self.past.witnessed[at]))
        great = self.mean[at] >= limits.look_ahead_great
        return witnessed >= limits.look_ahead_sure or (great and witnessed >= limits.look_ahead_share)

    def _lasts(self, at: int, back: float) -> bool:
        """Whether the skill that is left with the lead taken back is what an honest feature keeps.

        It keeps most, or as much as it remembers of itself. The second does not clear great skill: a series
        with memory that is shifted ahead remembers itself too.
        """
        limits, skill = self.config.leakage, self.mean[at]
        signed = float(mean_skill(self.skill)[at])
        # Skill that turns its sign when the lead is taken back is not the same skill.
        kept = np.nan_to_num(back) / signed
        memory = feature_memory(self.features, at, int(self.past.lead_bars[at]))
        remembers = memory >= _SOME_MEMORY and kept >= memory - _MEMORY_TOLERANCE
        return kept >= limits.look_ahead_keeps or (remembers and skill < limits.look_ahead_great)

    def unexplained_news(self, fresh: Flags, kept: Flags, skill_left: SkillLeft) -> _News:
        """Features whose news fades exactly as the label does, and without which little skill is left."""
        limits = self.config.leakage
        by_symbol = np.zeros(self.skill.shape, dtype=bool)
        overall = np.zeros(len(fresh), dtype=bool)
        strong_somewhere = (np.abs(np.nan_to_num(self.skill)) >= limits.symbol_news_skill).any(axis=0)
        least = min(limits.news_skill, limits.sudden_news_skill)
        asked = fresh & kept & ((self.mean >= least) | strong_somewhere)
        if not asked.any():
            return _News(overall, by_symbol, None)
        # What is suspect, or left out as a leak, does not vouch for what is suspect.
        unheard = np.flatnonzero(asked | ~kept)
        memory = label_memory(
            label_news(self.features, self.past.moments, self.label, unheard), self.label, self.config
        )
        wanted = limits.news_skill if memory.fades else limits.sudden_news_skill
        columns = np.flatnonzero(asked & ((self.mean >= wanted) | strong_somewhere))
        if not len(columns):
            return _News(overall, by_symbol, None)
        news = asked_apart(self.past, self.features, columns, unheard, _LEANS_AT_ALL).news
        skill = label_skill(news, self.label, columns, self.config)
        strong = np.abs(np.nan_to_num(mean_skill(skill))) >= wanted
        strong &= is_beyond_chance(skill, self.features.panel, self.label)
        strong_here = np.abs(np.nan_to_num(skill)) >= limits.symbol_news_skill
        strong_here &= beyond_others_here(skill, self.features.panel, self.label)
        if not strong.any() and not strong_here.any():
            return _News(overall, by_symbol, None)
        here, everywhere = moves_like_the_label(news, self.label, memory, columns, self.config)
        overall[columns], left = everywhere & strong, None
        if overall.any():
            full, rest = skill_left(kept, kept & ~overall)
            left = rest / full if full > 0.0 else 1.0
            overall &= left <= limits.news_keeps
        # Where all symbols together have skill enough, their common profile is the better judge.
        by_symbol[:, columns] = here & strong_here & (everywhere | ~strong)
        return _News(overall | self.on_many(by_symbol), by_symbol, left)
