"""What is known of the choices on every pair: their scores, and their shrunk skills."""

from dataclasses import dataclass

import numpy as np

from foxml_assets.core.vocabulary import LeakageStatus, Route, SignalState
from foxml_assets.routing.candidates.alignment import Alignment
from foxml_assets.routing.candidates.table_columns import Bools, Codes, Floats, Index, code
from foxml_assets.routing.methods.sides import EarlierStates, JudgedSide, JudgedSides
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.sides.fdr import Discoveries


@dataclass(frozen=True)
class Skills:
    """Shrunk skills of the three choices on every pair; NaN where they are not known.

    The probabilities are those of a skill above `skill_on_symbol.min_skill`.
    """

    cs: Floats
    local: Floats
    both: Floats
    cs_probability: Floats
    both_probability: Floats


@dataclass(frozen=True)
class PairEvidence:
    """All that a method chooses by: both judged sides, and skills of the choices on each pair.

    `left_out` marks suspected pairs whose rows the pooled model does not learn from.
    """

    alignment: Alignment
    cs: JudgedSide
    local: JudgedSide
    together: Discoveries
    skills: Skills
    left_out: Bools
    earlier: EarlierStates
    policy: RoutingPolicy

    @property
    def cs_state(self) -> Codes:
        """The pooled model's state on every pair: DISALLOWED where it knows nothing of the symbol."""
        of_target = self.cs.state[self.alignment.pair_target]
        return np.where(self.left_out, code(SignalState.DISALLOWED), of_target).astype(np.int8)


def pair_evidence(
    alignment: Alignment,
    sides: JudgedSides,
    earlier: EarlierStates,
    policy: RoutingPolicy,
) -> PairEvidence:
    """The judged sides with the skills of all pairs."""
    local, shrunk = sides.local, sides.skills
    sound = local.rows.present & ~local.faults.any
    averaged = sound & np.isfinite(local.rows.both.value)
    threshold = _pooled_threshold(local, earlier, policy)
    skills = Skills(
        cs=shrunk.pooled.mean,
        local=np.where(sound, shrunk.own.mean, np.nan),
        both=np.where(averaged, shrunk.both.mean, np.nan),
        cs_probability=shrunk.pooled.probability_above(threshold),
        both_probability=np.where(averaged, shrunk.both.probability_above(threshold), np.nan),
    )
    left_out = _suspects(local, alignment.pair_target)
    return PairEvidence(alignment, sides.cs, local, sides.together, skills, left_out, earlier, policy)


def _suspects(local: JudgedSide, target: Index) -> Bools:
    """Symbols suspected of a leak: what copies the label on few of them would teach that to the pooled model.

    Where half of a target's symbols are suspected, its pooled row is the one to say so.
    """
    suspected = local.rows.present & (local.rows.leakage == code(LeakageStatus.SUSPECT))
    few = 2 * np.bincount(target, weights=suspected) < np.bincount(target)
    return np.asarray(suspected & few[target])


def _pooled_threshold(local: JudgedSide, earlier: EarlierStates, policy: RoutingPolicy) -> Floats:
    """The skill that the pooled model, alone or in the average, must exceed on each pair: lower where it
    served the pair before."""
    served = np.isin(earlier.route, [code(Route.CROSS_SECTIONAL), code(Route.BOTH)])
    margin = policy.hysteresis * local.rows.skill_scale
    # No shift for a pair that the earlier plan did not have (-1).
    shift: Floats = np.select([earlier.route < 0, served], [np.zeros_like(margin), -margin], margin)
    return policy.skill_on_symbol.min_skill + shift
