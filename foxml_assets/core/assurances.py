"""Why a feature's leakage is not doubted: by the user's word, or because replay proved it."""

from collections import defaultdict
from collections.abc import Mapping

import msgspec

from foxml_assets.core.vocabulary import AssuredBy

_MAX_NAMES = 20


class Assurance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What stands for one feature. `reason` is the user's, `cuts` the number at which replay compared it.

    `despite` is what replay found against the user's word.
    """

    by: AssuredBy
    reason: str = ""
    cuts: int | None = None
    despite: str = ""


Assurances = dict[str, Assurance]


def read_assurances(text: str) -> Assurances | None:
    """The JSON object feature -> assurance; None for anything else."""
    try:
        return msgspec.json.decode(text, type=Assurances)
    except (msgspec.DecodeError, RecursionError):
        return None


def assurance_lines(assured: Mapping[str, Assurance]) -> tuple[str, ...]:
    """The assurances in words: a line per feature vouched for, and one each for calendar and replay."""
    lines = []
    grouped: defaultdict[str, list[str]] = defaultdict(list)
    for name, one in sorted(assured.items()):
        against = f" (although {one.despite})" if one.despite else ""
        if one.by is AssuredBy.USER:
            lines.append(f"vouched for by you: {name}: {one.reason}{against}")
        elif one.by is AssuredBy.CALENDAR:
            grouped["known in advance, as you say (calendar)"].append(f"{name}{against}")
        else:
            grouped[f"proven by replay at {one.cuts} cuts to use earlier rows only"].append(name)
    for what, names in sorted(grouped.items()):
        more = f", and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        lines.append(f"{what}: {', '.join(names[:_MAX_NAMES])}{more}")
    return tuple(lines)
