"""Signal states of one side's rows, each with its trace."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from foxml_assets.routing.candidates.coding import NULL, Bools, Codes, Floats, Index, level
from foxml_assets.routing.policy.method_registry import find_method
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.rules.rules import Cases, Rule
from foxml_assets.routing.sides.fdr import Discoveries, Earlier
from foxml_assets.routing.sides.quarantine import Faults
from foxml_assets.routing.sides.row_tests import Memory, run_tests
from foxml_assets.routing.sides.side_rows import SideRows


@dataclass(frozen=True)
class SideStates:
    """The decision about every row of one side: `rule` is a position in `ladder`.

    `held` marks states that only hysteresis kept.
    """

    ladder: tuple[Rule, ...]
    state: Codes
    rule: Codes
    gate: Floats
    threshold: Floats
    control: Codes
    eligible: Bools
    fdr: Discoveries
    held: Bools
    checks: npt.NDArray[np.uint16]


def judge(
    rows: SideRows, faults: Faults, policy: RoutingPolicy, before: Index | None, earlier: Earlier
) -> SideStates:
    """Signal states of all rows; `before` holds each row's earlier state code, -1 where it had none, and
    `earlier` what false-discovery control knows of earlier plans."""
    # Judged without memory too: the states that differ are those that only hysteresis kept.
    nothing = np.full(len(rows.rows), NULL)
    plain = _climb(rows, faults, policy, Memory(nothing, 0.0), earlier)
    if before is None or policy.hysteresis == 0.0:
        return plain
    states = _climb(rows, faults, policy, Memory(before, policy.hysteresis), earlier)
    return replace(states, held=states.state != plain.state)


def _climb(
    rows: SideRows, faults: Faults, policy: RoutingPolicy, memory: Memory, earlier: Earlier
) -> SideStates:
    tests = run_tests(rows, faults, policy, memory, earlier)
    ladder, cases = find_method(policy.method).ladder, Cases(rows, faults, tests, policy)
    # The position of the first rule that holds; the last one takes what is left.
    decided = np.select([rule.holds(cases) for rule in ladder], range(len(ladder)), len(ladder) - 1)
    threshold = np.full(len(decided), np.nan)
    for at, rule in enumerate(ladder):
        here, against = decided == at, rule.threshold(cases)
        threshold[here] = against[here] if isinstance(against, np.ndarray) else against
    return SideStates(
        ladder=ladder,
        state=np.array([level(rule.state) for rule in ladder], dtype=np.int8)[decided],
        rule=decided.astype(np.int8),
        gate=tests.gate,
        threshold=threshold,
        control=tests.control(policy.error_rate(rows.side)),
        eligible=tests.eligible,
        fdr=tests.fdr,
        held=np.zeros(len(decided), dtype=np.bool_),
        checks=tests.bits(rows.present & ~faults.any),
    )
