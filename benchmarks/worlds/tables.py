"""The benchmark's numbers as text."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd

from benchmarks.worlds.flags import FlaggedFeature, LeakOutcome
from benchmarks.worlds.verdicts import Verdict

_COLUMNS = {
    "decid.": "decidable",
    "kept": "kept",
    "/plant": "kept_planted",
    "cost": "cost",
    "noise": "noise_trained",
    "leaky": "leaky_noise_trained",
    "drift": "drift_trained",
    "unrel.": "unrelated_trained",
    "flips": "flipped",
}
# A copy that is asked for an AUC of .70 reaches it give or take .005.
_STRONG_LEAK = 0.695
_MEANING = (
    "decid.: decidable pairs right. kept: hold-out skill over the best choice per pair; /plant: over routing"
    " by the planted kind.\ncost: fit seconds over both models for every pair. noise, leaky, drift, unrel.:"
    " share trained of the pairs without a relation\n(noise targets, leaking noise, drifted targets, other"
    " symbols of local targets). leaks: targets trained on their leak, of all"
)


def print_table(verdicts: Mapping[str, Mapping[int, Verdict]]) -> None:
    """The mean over seeds of everything, then seed by seed."""
    head = f"{'policy':<22} {'seed':>4} " + " ".join(f"{name:>6}" for name in _COLUMNS) + f" {'leaks':>7}"
    print(f"\n{head}\n{'-' * len(head)}")
    for name, by_seed in verdicts.items():
        print(_line(name, "mean", _mean(by_seed.values())))
    for name, by_seed in verdicts.items():
        if len(by_seed) > 1:
            for seed, one in by_seed.items():
                print(_line(name, str(seed), asdict(one)))
    print(_MEANING)


def print_leaks(outcomes: list[LeakOutcome]) -> None:
    """Leaks by kind and by what the column reaches alone."""
    print("\nleaks, with the AUC of the column alone on the evidence ((1 + IC) / 2 of a regression)")
    for one in sorted(outcomes, key=lambda leak: (leak.kind, leak.auc)):
        print(f"  {one.kind:<26} {one.auc:.3f} {one.status:<10} {'SERVED' if one.served else ''}")


def print_wrong(wrong: pd.DataFrame) -> None:
    """Wrong decisions by what was planted and served, and by the rules that led there."""
    print(f"\n{len(wrong)} decidable pairs are served wrongly; by skill lost against the best choice:")
    if wrong.empty:
        return
    for by in (["kind", "planted", "best", "served"], ["served", "rule", "cs_rule", "local_rule"]):
        keys = [wrong[name].astype(object).where(wrong[name].notna(), "-").astype(str) for name in by]
        grouped = wrong.groupby(keys)["lost"].agg(["size", "sum"]).sort_values("sum", ascending=False)
        print(f"  {' | '.join(by)}")
        for values, row in grouped.head(16).iterrows():
            parts = values if isinstance(values, tuple) else (values,)
            print(f"  {int(row['size']):5d} pairs {row['sum']:8.2f}   {' | '.join(map(str, parts))}")


def print_flagged(flagged: list[FlaggedFeature], total: int) -> None:
    """Honest features that were called leaks."""
    print(f"\nhonest features flagged: {len(flagged)} of {total} ({len(flagged) / max(total, 1):.2%})")
    for one in flagged[:60]:
        print(f"  {one.target:<16} {one.feature} {one.status:<8} {one.recipe}")


def print_bars(
    policy: Mapping[int, Verdict],
    pooled: Mapping[int, Verdict],
    leaks: list[LeakOutcome],
    flagged_share: float,
) -> None:
    """The bars that the default config has to reach on the report seeds."""
    mean = _mean(policy.values())
    worst = min(policy[seed].kept - pooled[seed].kept for seed in policy)
    strong = sum(leak.served and leak.auc >= _STRONG_LEAK for leak in leaks)
    print("\nbars")
    for what, found, bar, is_good in (
        ("decidable pairs right", mean["decidable"], ">= .955", mean["decidable"] >= 0.955),
        ("skill kept", mean["kept"], ">= .89", mean["kept"] >= 0.89),
        ("... of the planted kind's", mean["kept_planted"], ">= .97", mean["kept_planted"] >= 0.97),
        ("cost", mean["cost"], "<= .25", mean["cost"] <= 0.25),
        ("noise pairs trained", mean["noise_trained"], "<= .003", mean["noise_trained"] <= 0.003),
        ("leaks of AUC .70 and more served", float(strong), "0", strong == 0),
        ("honest features flagged", flagged_share, "<= .002", flagged_share <= 0.002),
        ("kept less that of all pooled, worst seed", worst, ">= -.02", worst >= -0.02),
    ):
        print(f"  {what:<42} {found:7.4f}  {bar:<8} {'' if is_good else 'MISSED'}")


def _line(name: str, seed: str, values: Mapping[str, float]) -> str:
    numbers = " ".join(
        f"{'-':>6}" if np.isnan(values[field]) else f"{values[field]:6.3f}" for field in _COLUMNS.values()
    )
    leaks = f"{values['leaks_served']:.0f}/{values['n_leaks']:.0f}"
    return f"{name:<22} {seed:>4} {numbers} {leaks:>7}"


def _mean(verdicts: Iterable[Verdict]) -> dict[str, float]:
    table = pd.DataFrame([asdict(one) for one in verdicts])
    means = {str(name): float(value) for name, value in table.mean().items()}
    return means | {name: float(table[name].sum()) for name in ("leaks_served", "n_leaks")}
