"""What the detectors found, as data with the numbers behind it and in words."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
import numpy as np

from foxml_assets.core.errors import Problem
from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.evidence.arrays import Flags, Floats
from foxml_assets.evidence.leakage.ahead.lookahead import PastAndFuture
from foxml_assets.evidence.leakage.copies import mean_skill
from foxml_assets.evidence.leakage.parts import PartCopy
from foxml_assets.evidence.replay.comparison import Change, Replayed


class Detector(StrEnum):
    """What of this package found a leak; detectors of other packages have names of their own."""

    LOOK_AHEAD = "look_ahead"
    NEAR_COPY = "near_copy"
    NEWS = "news"
    REPLAY = "replay"


@dataclass(frozen=True)
class LagSkill:
    """A point of a lag profile: the skill of the feature as it was `lag` rows before the label's row (after
    it, if negative), and what a copy of the label would show there; None where it cannot be measured."""

    lag: int
    skill: float | None
    copy: float | None


@dataclass(frozen=True)
class Finding:
    """What a detector says about one feature, on one symbol or (`symbol` None) over all.

    `skill` is 2 AUC - 1 or the rank correlation, `lagged_skill` the same one horizon (or lead) earlier;
    `past_r2` and `future_share` are the panel's answers; `skill_left` is the pooled model's share of skill
    without all features under the same suspicion, None where it was not asked. `change` is what `replay`
    found; its `skill` is 0 where too few rows are labelled. `profile` is by ascending lag.
    `numbers` are those of a detector that another package brings, and absent for all others.
    """

    symbol: str | None
    feature: str
    detector: str
    status: LeakageStatus
    skill: float
    lagged_skill: float | None
    past_r2: float | None
    future_share: float | None
    skill_left: float | None
    reason: str
    change: Change | None = None
    profile: tuple[LagSkill, ...] = ()
    numbers: dict[str, float] | msgspec.UnsetType = msgspec.UNSET


def used_elsewhere(
    findings: Mapping[str, Sequence[Finding]], used: Mapping[str, Collection[str]]
) -> tuple[Problem, ...]:
    """Features that look ahead for one target and are `used` for another, both by target.

    Each target is examined alone, and a column is not found where its skill is too small: there it misleads
    the less, but it is the same column.
    """
    ahead: dict[str, list[str]] = {}
    for target, found in sorted(findings.items()):
        for one in found:
            if one.detector == Detector.LOOK_AHEAD and one.symbol is None:
                ahead.setdefault(one.feature, []).append(target)
    return tuple(
        Problem(f"{target}: {feature}", f"is used, and looks ahead for {', '.join(ahead[feature])}")
        for target, features in sorted(used.items())
        for feature in sorted(ahead.keys() & set(features))
        if target not in ahead[feature]
    )


@dataclass(frozen=True)
class Ahead:
    """Features that look ahead.

    `back` is their skill with the lead taken back, NaN where `made`, the skill of their news, tells. Of
    those in `lasting` neither does, but what others know later on.
    """

    found: Flags
    back: Floats
    made: Floats
    lasting: Flags


@dataclass(frozen=True)
class Findings:
    """Makes the findings of one target. `skill` is symbols x features; `where` masks are by feature."""

    past: PastAndFuture
    skill: Floats

    def near_copies(self, symbol: int | None, where: Flags) -> list[Finding]:
        """Features that nearly are the label."""
        skill = self._skill(symbol)
        return [
            self._finding(
                symbol,
                at,
                Detector.NEAR_COPY,
                f"{self._name(at)} is nearly the label: skill {skill[at]:.3f}",
            )
            for at in np.flatnonzero(where).tolist()
        ]

    def near_copies_for_a_time(self, found: Mapping[int, PartCopy]) -> list[Finding]:
        """Features that nearly are the label for a part of the time."""
        return [
            self._finding(
                None,
                at,
                Detector.NEAR_COPY,
                f"{self._name(at)} is nearly the label from {one.first:%Y-%m-%d} to {one.last:%Y-%m-%d}:"
                f" skill {one.skill:.3f} there",
            )
            for at, one in sorted(found.items())
        ]

    def looking_ahead(self, where: Flags, by: Ahead) -> list[Finding]:
        """Features that look ahead."""
        skill, found, back, made = self._skill(None), [], by.back, by.made
        for at in np.flatnonzero(where).tolist():
            if by.lasting[at]:
                why = (
                    f"later rows of other features explain {self.past.known_later[at]:.2f} of it that their"
                    f" earlier ones do not, and its skill is {skill[at]:.3f}"
                )
            elif np.isnan(back[at]):
                numbers = f"skill {made[at]:.3f}, its value {skill[at]:.3f}"
                why = f"its news of one horizon make the label ({numbers})"
            else:
                why = (
                    f"later rows explain {self.past.future_share[at]:.2f} of what earlier ones leave open,"
                    f" and its skill of {skill[at]:.3f} is {back[at]:.3f} when taken back"
                    f" {self.past.lead_bars[at]} bars"
                )
            reason = f"{self._name(at)} looks ahead: {why}"
            found.append(self._finding(None, at, Detector.LOOK_AHEAD, reason, lagged=_number(back[at])))
        return found

    def news(self, symbol: int | None, where: Flags, left: float | None) -> list[Finding]:
        """News that nothing bears out; `left` is the share of the model's skill without it."""
        skill = self._skill(symbol)
        rest = "" if left is None else f"; without it {max(left, 0.0):.0%} of the skill is left"
        return [
            self._finding(
                symbol,
                at,
                Detector.NEWS,
                f"{self._name(at)} may copy the label: its skill of {skill[at]:.3f} fades as the label does,"
                f" and earlier rows explain {max(np.nan_to_num(self.past.past_r2[at]), 0.0):.2f} of it{rest}",
                left=left,
            )
            for at in np.flatnonzero(where).tolist()
        ]

    def replayed(self, changed: Mapping[str, Replayed]) -> list[Finding]:
        """Features that are others when the future is removed."""
        names = self.past.news.panel.features
        return [
            self._finding(None, names.index(name), Detector.REPLAY, found.in_words(name), change=found.change)
            for name, found in sorted(changed.items())
        ]

    def _skill(self, symbol: int | None) -> Floats:
        return mean_skill(self.skill) if symbol is None else np.asarray(self.skill[symbol])

    def _name(self, at: int) -> str:
        return self.past.news.panel.features[at]

    def _finding(
        self,
        symbol: int | None,
        at: int,
        detector: Detector,
        reason: str,
        *,
        lagged: float | None = None,
        left: float | None = None,
        change: Change | None = None,
    ) -> Finding:
        suspect = detector is Detector.NEWS
        return Finding(
            symbol=None if symbol is None else self.past.news.panel.symbols[symbol],
            feature=self._name(at),
            detector=detector,
            status=LeakageStatus.SUSPECT if suspect else LeakageStatus.BLOCKED,
            skill=float(np.nan_to_num(self._skill(symbol)[at])),
            lagged_skill=lagged,
            past_r2=_number(self.past.past_r2[at]),
            future_share=_number(self.past.future_share[at]),
            skill_left=left,
            reason=reason,
            change=change,
        )


def worst_reason(findings: Sequence[Finding]) -> str:
    """The reason of the strongest finding, and how many other features there are."""
    strongest = max(findings, key=lambda one: (abs(one.skill), one.feature))
    others = len({one.feature for one in findings}) - 1
    return f"{strongest.reason} (and {others} more)" if others else strongest.reason


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)
