"""What a method chooses by: both sides of the evidence, judged, and the skills of the choices by pair."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from foxml_assets.core.vocabulary import LeakageStatus, Route, SignalState
from foxml_assets.routing.candidates.alignment import Alignment, owners_of
from foxml_assets.routing.frames import NULL, UNREADABLE, Bools, Codes, Floats, Index, code, codes_of
from foxml_assets.routing.policy.method_registry import find_method
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.policy.routing_words import Side, UnknownLeakage
from foxml_assets.routing.rules.rules import Cases, Rule
from foxml_assets.routing.sides.fdr import Discoveries, Earlier, discoveries
from foxml_assets.routing.sides.quarantine import SideEvidence, find_faults
from foxml_assets.routing.sides.row_tests import Memory, Together, run_tests
from foxml_assets.routing.sides.shrunk_skill import ShrunkSkills, shrunk_skills
from foxml_assets.routing.sides.side_rows import SideRows, side_rows


@dataclass(frozen=True)
class JudgedSide(Cases):
    """One side, an entry per target or pair: `rule`, a position in `ladder`, gave each its `state`.

    `held` marks states that only hysteresis kept.
    """

    ladder: tuple[Rule, ...]
    rule: Codes
    state: Codes
    threshold: Floats
    held: Bools


@dataclass(frozen=True)
class EarlierStates:
    """State and route codes in the previous plan, -1 where there was none."""

    cs: Index
    local: Index
    route: Index


@dataclass(frozen=True)
class PairEvidence:
    """All that a method chooses by: the pooled side (by target), the symbol side (by pair), the test of each
    target's own models together, and the skills of the choices on each pair.

    The probabilities are those of a skill above `skill_on_symbol.min_skill`, NaN where it is not known.
    `left_out` marks suspected pairs whose rows the pooled model does not learn from.
    """

    alignment: Alignment
    cs: JudgedSide
    local: JudgedSide
    together: Discoveries
    skills: ShrunkSkills
    cs_probability: Floats
    both_probability: Floats
    left_out: Bools
    earlier: EarlierStates
    policy: RoutingPolicy

    @property
    def cs_state(self) -> Codes:
        """The pooled model's state on every pair: DISALLOWED where it knows nothing of the symbol."""
        of_target = self.cs.state[self.alignment.pair_target]
        return np.where(self.left_out, code(SignalState.DISALLOWED), of_target).astype(np.int8)


def judge(
    table: pd.DataFrame,
    alignment: Alignment,
    policy: RoutingPolicy,
    earlier: EarlierStates,
    found_before: tuple[Earlier, Earlier],
) -> PairEvidence:
    """The evidence in typed candidates, judged.

    `found_before` is what false-discovery control knows of earlier plans, for each side.
    """
    pooled, own = _sides(table, alignment, policy)
    at, mean = alignment.pair_target, pooled.rows.own_mean.value
    skills = shrunk_skills(pooled, own, alignment, policy)
    lasts = _lasts(own, alignment, policy)
    together = _test_together(pooled, lasts, policy.fdr_q_together, policy)
    alone = np.zeros(len(at), dtype=np.bool_)
    by_mean = Together(together.found(mean)[at], skills.own)
    local = _judge(own, policy, earlier.local, found_before[1], alone, by_mean)
    # Something can be forecast of a target of which one own model is usable, or all are in their mean.
    usable = local.state >= code(SignalState.WEAK_BUT_OK)
    at_pooled_rate = _test_together(pooled, lasts, policy.fdr_q(Side.CROSS_SECTIONAL), policy)
    confirmed = owners_of(usable, at, len(alignment.targets)) | at_pooled_rate.found(mean)
    least = _pooled_threshold(own.rows, earlier, policy)
    return PairEvidence(
        alignment=alignment,
        cs=_judge(pooled, policy, earlier.cs, found_before[0], confirmed),
        local=local,
        together=together,
        skills=skills,
        cs_probability=skills.pooled.probability_above(least),
        both_probability=skills.both.probability_above(least),
        left_out=_suspects(own.rows, at),
        earlier=earlier,
        policy=policy,
    )


def _sides(
    table: pd.DataFrame, alignment: Alignment, policy: RoutingPolicy
) -> tuple[SideEvidence, SideEvidence]:
    cs_rows = side_rows(table, alignment.cs_rows, Side.CROSS_SECTIONAL, policy)
    leaking = _leaking_rows(table, policy)
    # By row, not by pair: a leaking row that repeats its pair is quarantined, and blocks all the same.
    cs_leaks = owners_of(leaking & alignment.is_pooled, alignment.owner, len(alignment.targets))
    local_leaks = owners_of(leaking & ~alignment.is_pooled, alignment.owner, len(alignment.pair_rows))
    inherited = (column[alignment.pair_target] for column in (cs_rows.few_features, cs_rows.gone))
    local_rows = side_rows(table, alignment.pair_rows, Side.SYMBOL, policy, *inherited)
    cs_faults, local_faults = find_faults(cs_rows, local_rows, alignment, policy)
    # A word nobody can read may mean BLOCKED, so that symbol must not enter the pooled model either.
    local_leaks |= local_rows.present & (local_rows.leakage == UNREADABLE)
    return SideEvidence(cs_rows, cs_faults, cs_leaks), SideEvidence(local_rows, local_faults, local_leaks)


def _lasts(own: SideEvidence, alignment: Alignment, policy: RoutingPolicy) -> Bools:
    """Targets whose own models have skill in the mean of the recent folds too, as far as it is known."""
    recent, _ = own.rows.as_skill(own.rows.recent, policy.fdr.inflate_se)
    skill = pd.Series(np.where(own.faults.any, np.nan, recent)).groupby(alignment.pair_target).mean()
    gone = skill.reindex(range(len(alignment.targets))) <= policy.skill_on_symbol.min_skill
    return ~gone.to_numpy(np.bool_)


def _test_together(pooled: SideEvidence, lasts: Bools, q: float | None, policy: RoutingPolicy) -> Discoveries:
    """Whether the own models of each target have skill in their mean, whichever has it, tested at `q`.

    What is gone from the pooled model lasts in no other: one symbol alone shows too little to tell.
    """
    rows = pooled.rows
    asked = pooled.sound & ~rows.gone & lasts & (q is not None)
    anew = Earlier(share=1.0, found=np.zeros(len(asked), dtype=np.bool_))
    se = rows.own_mean.se * policy.fdr.inflate_se
    # Without a rate no target is asked about, and the 1.0 stands for nothing.
    return discoveries(rows.own_mean.value, se, rows.chance, asked, q or 1.0, anew)


def _judge(
    side: SideEvidence,
    policy: RoutingPolicy,
    before: Index,
    earlier: Earlier,
    confirmed: Bools,
    together: Together | None = None,
) -> JudgedSide:
    """The state of every row; `before` holds each row's earlier state code, -1 where it had none."""
    ladder = find_method(policy.method).ladder

    def climbed(memory: Memory) -> JudgedSide:
        tests = run_tests(side, policy, memory, earlier, confirmed, together)
        cases = Cases(**vars(side), tests=tests, policy=policy)
        # The first rule that holds decides; the last one takes what is left.
        holds = [*(rule.rows(cases) for rule in ladder[:-1]), np.ones_like(side.sound)]
        decided = np.select(holds, range(len(ladder)))
        return JudgedSide(
            **vars(cases),
            ladder=ladder,
            rule=decided.astype(np.int8),
            state=np.array([code(rule.state) for rule in ladder], dtype=np.int8)[decided],
            threshold=np.select(holds, [rule.threshold(cases) for rule in ladder]),
            held=np.zeros(len(decided), dtype=np.bool_),
        )

    plain = climbed(Memory(np.full_like(before, NULL), 0.0))
    if policy.hysteresis == 0.0 or (before < 0).all():
        return plain
    # Judged without memory too: the states that differ are those that only hysteresis kept.
    judged = climbed(Memory(before, policy.hysteresis))
    return replace(judged, held=judged.state != plain.state)


def _leaking_rows(table: pd.DataFrame, policy: RoutingPolicy) -> Bools:
    status = codes_of(table["leakage_status"], LeakageStatus)
    leaking: Bools = np.asarray(status == code(LeakageStatus.BLOCKED))
    if policy.unknown_leakage is UnknownLeakage.BLOCK:
        leaking |= (status == code(LeakageStatus.UNKNOWN)) | (status == NULL)
    return leaking


def _suspects(rows: SideRows, target: Index) -> Bools:
    """Symbols suspected of a leak: what copies the label on few of them would teach that to the pooled model.

    Where half of a target's symbols are suspected, its pooled row is the one to say so.
    """
    suspected = rows.present & (rows.leakage == code(LeakageStatus.SUSPECT))
    few = 2 * np.bincount(target, weights=suspected) < np.bincount(target)
    return np.asarray(suspected & few[target])


def _pooled_threshold(rows: SideRows, earlier: EarlierStates, policy: RoutingPolicy) -> Floats:
    """The skill that the pooled model, alone or in the average, must exceed on each pair: lower where it
    served the pair before."""
    served = np.isin(earlier.route, [code(Route.CROSS_SECTIONAL), code(Route.BOTH)])
    margin = policy.hysteresis * rows.skill_scale
    # No shift for a pair that the earlier plan did not have (-1).
    shift: Floats = np.select([earlier.route < 0, served], [np.zeros_like(margin), -margin], margin)
    return policy.skill_on_symbol.min_skill + shift
