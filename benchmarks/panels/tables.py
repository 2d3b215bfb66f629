"""Verdicts on real panels as text, with totals and bars."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from benchmarks.panels.judging import LeakVerdict, PanelVerdict

LEAST_KEPT = 0.98
MOST_FLAGGED = 0.002
# A copy that is asked for an AUC of .70 reaches it give or take .005.
STRONG_LEAK = 0.39
_ROUTES = {
    "pooled": "ROUTE_CROSS_SECTIONAL",
    "own": "ROUTE_SYMBOL_SPECIFIC",
    "both": "ROUTE_BOTH",
    "exp.": "ROUTE_EXPERIMENTAL_ONLY",
    "none": "ROUTE_BLOCKED",
}


def print_verdicts(verdicts: Sequence[PanelVerdict]) -> bool:
    """The table, the false alarms, the totals and the bars; whether all bars hold."""
    head = (
        f"{'panel':<16} {'rows':>6} {'sym':>4} {'feat':>4} {'flag':>4} "
        + " ".join(f"{name:>6}" for name in _ROUTES)
        + f" {'leaks':>5}  "
        + " ".join(f"{name:<13}" for name in ("plan", "all pooled", "both averaged", "kept"))
        + f" {'s':>4} {'audit':>5}"
    )
    print(f"{head}\n{'-' * len(head)}")
    for one in verdicts:
        print(_line(one))
    print(
        "flag: honest features called leaks, over targets. pooled to none: compared pairs by route.\n"
        "leaks: pairs left out as leaking. kept: plan over the better of all pooled and both averaged, with\n"
        "the error of the paired difference; - without skill to keep. s: until trained; audit: with baselines"
    )
    for one in verdicts:
        for alarm in one.alarms:
            where = "" if alarm.symbols == 0 else f" on {alarm.symbols} of {one.symbols} symbols"
            print(f"\n{one.panel} {alarm.target}: {alarm.status}, {alarm.detector}{where}\n  {alarm.reason}")
    return _bars(verdicts)


def print_leaks(verdicts: Sequence[LeakVerdict]) -> bool:
    """Caught and missed by kind, and each that was missed; whether the strong ones are all caught."""
    print(f"\n{'leak':<10} {'planted':>8} {'caught':>7} {'strong':>7} {'caught':>7}")
    for kind in dict.fromkeys(one.kind for one in verdicts):
        of_kind = [one for one in verdicts if one.kind == kind]
        strong = [one for one in of_kind if one.skill >= STRONG_LEAK]
        counts = [len(of_kind), _caught(of_kind), len(strong), _caught(strong)]
        print(
            f"{kind:<10} " + " ".join(f"{n:>{width}}" for n, width in zip(counts, (8, 7, 7, 7), strict=True))
        )
    print("strong: skill of the column alone from an AUC of .70, or a rank correlation of .4\n\nmissed")
    for one in sorted(verdicts, key=lambda leak: -leak.skill):
        if not one.is_caught:
            print(f"  {one.skill:.3f} {one.kind:<9} {one.panel} {one.target} {one.status}")
    missed = [one for one in verdicts if one.skill >= STRONG_LEAK and not one.is_caught]
    print(f"\nbars\n  strong leaks missed {len(missed)}  0 {'MISSED' if missed else ''}")
    return not missed


def _caught(verdicts: Sequence[LeakVerdict]) -> int:
    return sum(one.is_caught for one in verdicts)


def _line(one: PanelVerdict) -> str:
    routes = " ".join(f"{one.routes.get(route, 0):>6}" for route in _ROUTES.values())
    skills = " ".join(f"{_with_error(*skill):<13}" for skill in one.skill.values())
    kept = "-" if one.kept is None else _with_error(one.kept, np.nan if one.kept_se is None else one.kept_se)
    return (
        f"{one.panel:<16} {one.rows:>6} {one.symbols:>4} {one.features:>4} {len(one.alarms):>4} {routes}"
        f" {one.left_out.get('leaks', 0):>5}  {skills} {kept:<13}"
        f" {one.seconds:>4.0f} {one.audit_seconds:>5.0f}"
    )


def _bars(verdicts: Sequence[PanelVerdict]) -> bool:
    asked = sum(one.features * one.targets for one in verdicts)
    flagged = sum(len(one.alarms) for one in verdicts) / max(asked, 1)
    below = [one.panel for one in verdicts if one.kept is not None and one.kept < LEAST_KEPT]
    routes = Counter[str]()
    for one in verdicts:
        routes.update(one.routes)
    kept = [one.kept for one in verdicts if one.kept is not None]
    mean = float(np.mean(kept)) if kept else float("nan")
    print(f"\n{sum(routes.values())} pairs: {', '.join(f'{n} {name}' for name, n in routes.most_common())}")
    print(f"mean kept over {len(kept)} panels with skill {mean:.3f}\n\nbars")
    few = flagged <= MOST_FLAGGED
    for what, found, bar, is_good in (
        ("honest features flagged, of all (feature, target)", f"{flagged:.4f}", f"<= {MOST_FLAGGED}", few),
        ("panels that keep less", f"{len(below)}", f"0 below {LEAST_KEPT}", not below),
    ):
        print(f"  {what:<52} {found:>7}  {bar:<10} {'' if is_good else 'MISSED'}")
    if below:
        print(f"  below: {', '.join(below)}")
    return few and not below


def _with_error(value: float, error: float) -> str:
    return f"{value:.3f}" if np.isnan(error) else f"{value:.3f} ± {error:.3f}"
