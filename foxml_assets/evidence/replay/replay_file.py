"""The replay of all builders as an artifact: made once for a panel, and again when its inputs changed."""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from foxml_assets.core.errors import BuilderError, Problem
from foxml_assets.core.hashing import canonical_json, content_hash
from foxml_assets.evidence.arrays import PanelArrays
from foxml_assets.evidence.replay.built import label_problems
from foxml_assets.evidence.replay.comparison import Replayed
from foxml_assets.evidence.replay.replay import cut_bars, replay_builder
from foxml_assets.panel.builders import builder_code
from foxml_assets.panel.data_config import DataConfig, FeatureBuilder, FilePanel
from foxml_assets.panel.folds import holdout_start
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.source import builder_source_fingerprint
from foxml_assets.storage.exact_json import decode_json
from foxml_assets.storage.files import write_if_changed
from foxml_assets.storage.layout import Layout

REPLAY_CODE_VERSION = "1"


@dataclass(frozen=True)
class Replay:
    """What was found about every feature that a builder makes. `replay_hash` is that of its inputs."""

    replay_hash: str | None = None
    cuts: tuple[str, ...] = ()
    features: dict[str, Replayed] = field(default_factory=dict)

    def is_proven(self, name: str) -> bool:
        """Whether the feature was compared at half of the cuts at least, and never differed.

        A column that only repeats one of its source is not: nothing was built.
        """
        found = self.features.get(name)
        if found is None or found.change is not None or found.carried is not None:
            return False
        return 2 * found.cuts >= len(self.cuts)


def replay_hash(info: PanelInfo, config: DataConfig) -> str | None:
    """Hash of all that a replay depends on; None without a builder. Raises BuilderError, PanelError."""
    builders = _builders(config)
    if not builders:
        return None
    settings = config.evidence
    code = [[one.function, builder_source_fingerprint(one.source), builder_code(one)] for one in builders]
    panel = [info.features_hash, settings.holdout_fraction]
    return content_hash([REPLAY_CODE_VERSION, code, panel, settings.leakage.replay.model_dump(mode="json")])


def current_replay(
    load: Callable[[], PanelArrays],
    info: PanelInfo,
    config: DataConfig,
    layout: Layout,
    progress: Callable[[str], None],
) -> Replay:
    """The replay on disk if its inputs are the current ones, else a new one on the panel that `load` reads,
    which is written.

    Empty without a builder. Raises BuilderError for a builder that cannot be replayed, PanelError for its
    source.
    """
    wanted = replay_hash(info, config)
    if wanted is None:
        return Replay()
    builders = _builders(config)
    for builder in builders:
        # Also of a replay that is current: which columns are labels is no part of its hash.
        _check_source(builder, info)
    there = _read(layout)
    if there is not None and there.replay_hash == wanted:
        return there
    settings, panel = config.evidence.leakage.replay, load()
    bars = cut_bars(holdout_start(len(panel.times), config.evidence.holdout_fraction), settings.cuts)
    features: dict[str, Replayed] = {}
    for builder in builders:
        found = replay_builder(builder, panel, bars, info, settings, progress)
        _check_once(features, found)
        features |= found
    replay = Replay(wanted, tuple(panel.times[bar].isoformat() for bar in bars), features)
    write_if_changed(layout.feature_replay, msgspec.json.format(canonical_json(replay), indent=2) + b"\n")
    proven = sum(replay.is_proven(name) for name in features)
    progress(f"replay: {proven} of {len(features)} features built are proven functions of the past")
    return replay


def _builders(config: DataConfig) -> tuple[FeatureBuilder, ...]:
    return config.panel.builders if isinstance(config.panel, FilePanel) else ()


def _check_source(builder: FeatureBuilder, info: PanelInfo) -> None:
    problems = label_problems(builder, info)
    if problems:
        raise BuilderError(
            f"the source of the feature builder {builder.function} holds labels",
            problems=problems,
            fix="take these columns out of the source: what is made of them would count as proven",
        )


def _check_once(before: dict[str, Replayed], found: dict[str, Replayed]) -> None:
    problems = [
        Problem(f"feature {name}", f"is made by {before[name].builder} and by", found[name].builder)
        for name in sorted(before.keys() & found.keys())
    ]
    if problems:
        raise BuilderError("two feature builders make the same feature", problems=problems, fix="keep one")


def _read(layout: Layout) -> Replay | None:
    """The artifact; None where there is none, or none that can be read."""
    try:
        return decode_json(layout.feature_replay.read_bytes(), Replay)
    except (OSError, msgspec.DecodeError):
        return None
