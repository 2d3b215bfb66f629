"""`routing_audit.png`: skill against training time, and how far the plan is ahead of each baseline."""

from typing import TYPE_CHECKING

from foxml_assets.auditing.pages.audit_text import COMMAND, LABELS
from foxml_assets.auditing.routing_audit import BASELINES, Interval, RoutingAudit, Scheme, SchemeLine
from foxml_assets.core.pictures import new_figure, png_bytes, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# From Okabe and Ito's palette, which colour-blind readers can tell apart.
_COLOURS = {
    Scheme.PLAN: "#D55E00",
    Scheme.ALL_POOLED: "#0072B2",
    Scheme.ALL_SYMBOL: "#E69F00",
    Scheme.BOTH_AVERAGED: "#009E73",
}


def audit_picture(audit: RoutingAudit) -> bytes:
    """PNG bytes. What cannot be drawn is said: no pair is scored, or which command trains the baselines."""
    figure = new_figure(width=10.0, height=4.0)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    if audit.line(Scheme.PLAN).result is None:
        say(left, "no pair can be scored on the hold-out")
        right.set_axis_off()
        return png_bytes(figure)
    _draw_earnings(left, audit)
    known = [line for scheme in BASELINES if (line := audit.line(scheme)).result is not None]
    if known:
        _draw_lead(right, known)
    else:
        say(right, f"no baseline is trained yet:\n{COMMAND}")
    figure.legend(loc="outside lower left", ncols=3, frameon=False, fontsize=8)
    return png_bytes(figure)


def _draw_earnings(axes: "Axes", audit: RoutingAudit) -> None:
    for line in audit.schemes:
        if line.result is not None and line.cost is not None:
            value = line.result.mean_skill
            axes.errorbar(
                line.cost.seconds,
                value.value,
                yerr=_half(value),
                fmt="D" if line.scheme is Scheme.PLAN else "o",
                capsize=4,
                color=_COLOURS[line.scheme],
                label=f"{LABELS[line.scheme]} ({line.cost.models:,} models)",
            )
    best = audit.line(Scheme.BEST_CHOICE).result
    if best is not None:
        label = f"{LABELS[Scheme.BEST_CHOICE]} (flattered)"
        axes.axhline(best.mean_skill.value, color="#555555", linestyle="--", linewidth=1, label=label)
    axes.axhline(0, color="#999999", linewidth=1)
    axes.set_xlim(left=0)
    axes.set_xlabel("seconds of training, one thread")
    axes.set_ylabel("mean hold-out skill a pair")
    axes.set_title(f"Earned by {audit.compared:,} pairs, 95 % intervals", loc="left", fontsize=10)


def _draw_lead(axes: "Axes", lines: list[SchemeLine]) -> None:
    for row, line in enumerate(lines):
        ahead = line.result.plan_ahead if line.result is not None else None
        if ahead is not None:
            axes.errorbar(
                ahead.value, row, xerr=_half(ahead), fmt="o", capsize=4, color=_COLOURS[line.scheme]
            )
    axes.axvline(0, color="#555555", linewidth=1)
    axes.set_yticks(range(len(lines)), [LABELS[line.scheme] for line in lines], fontsize=9)
    # Downwards, so that the first line is on top.
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xlabel("mean skill: plan minus baseline, paired")
    axes.set_title("Right of the line the plan is ahead", loc="left", fontsize=10)


def _half(value: Interval) -> float:
    return 0.0 if value.high is None else value.high - value.value
