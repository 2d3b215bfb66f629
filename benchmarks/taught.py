"""Whether the evidence holds more than the router takes from it: beside the router a learner that is told, on
other worlds, what was right.

    python benchmarks/taught.py --seeds 0-9                each fifth of the worlds by what the others teach
    python benchmarks/taught.py --seeds 0-9 --on 105-109   other worlds, by what these teach

For each choice it learns by LightGBM, from thousands of decidable pairs, whether that is right: from all
numbers of the candidates, of a pair's own row and of its pooled model's, how they stand among the target's
other symbols, and all numbers that the routing plan says of the pair. No user has such a teacher. What it
gets right is what one can hope for from this evidence; what it gets wrong, the evidence does not tell.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.truth import prepare, seeds_of
from benchmarks.worlds.bench import Bench, plan_of, routed
from benchmarks.worlds.choices import Choice
from benchmarks.worlds.served import served_as, served_by_plan
from benchmarks.worlds.verdicts import kind_rows, right_pairs
from foxml_assets.core.config_files import load_config
from foxml_assets.routing.policy.routing_config import RoutingPolicy

Flags = npt.NDArray[np.bool_]

FOLDS, ROUNDS = 5, 250
LEARNER = {
    "objective": "binary",
    "learning_rate": 0.03,
    "num_leaves": 15,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "seed": 0,
    "deterministic": True,
    "verbosity": -1,
}
_PAIR = ["target", "symbol"]


@dataclass(frozen=True)
class Pairs:
    """Decidable pairs, a row each: what is known of them, which choices are right (in the order of Choice),
    what the router chose, and their kind and seed."""

    known: pd.DataFrame
    right: Flags
    chosen: npt.NDArray[np.int8]
    kind: npt.NDArray[np.str_]
    seed: npt.NDArray[np.int64]

    def where(self, kept: Flags) -> "Pairs":
        return Pairs(self.known[kept], self.right[kept], self.chosen[kept], self.kind[kept], self.seed[kept])


def decidable_pairs(bench: Bench, seed: int) -> Pairs:
    """Those of one world. A choice is right as in `benchmarks/truth.py`."""
    world, table, truth = bench.world, bench.table, bench.truth
    policy = load_config(bench.run.config_dir / "routing_config.yaml", RoutingPolicy)
    routing = routed(bench, bench.candidates, policy)
    served = served_by_plan(world, table, routing, plan_of(routing, policy))
    alike = [np.full(truth.planted.shape, choice, np.int8) for choice in Choice]
    right = np.stack([right_pairs(world, truth, served_as(world, table, one)) for one in alike], axis=-1)
    # Where the learner agrees with the router, it is served by the families of the router's plan.
    by_router = right_pairs(world, truth, served)
    np.put_along_axis(right, served.choice[..., None].astype(int), by_router[..., None], axis=-1)
    names = [[(plan.name, symbol) for symbol in world.symbols] for plan in world.targets]
    index = pd.MultiIndex.from_tuples([pair for row in names for pair in row], names=_PAIR)
    known = _known(bench.candidates, routing.pairs).reindex(index).assign(choice=served.choice.ravel())
    kind = np.broadcast_to(kind_rows(world)[:, None], truth.decidable.shape).ravel()
    pairs = Pairs(
        known, right.reshape(-1, len(Choice)), served.choice.ravel(), kind, np.full(len(kind), seed)
    )
    return pairs.where(truth.decidable.ravel())


def _known(candidates: pd.DataFrame, routed_pairs: pd.DataFrame) -> pd.DataFrame:
    """All numbers of candidates and plan, by target and symbol."""
    is_pooled = candidates["symbol"].isna()
    own = _numbers(candidates[~is_pooled], _PAIR)
    errors = [name for name in own if f"{name}_se" in own]
    own = own.assign(**{f"{name}_z": own[name] / own[f"{name}_se"] for name in errors})
    by_target = own.groupby(level="target")
    among = [by_target.transform(how).add_suffix(f"_{how}") for how in ("mean", "std", "min", "max")]
    ranks = by_target.rank(pct=True).add_suffix("_rank")
    pooled = _numbers(candidates[is_pooled], ["target"]).add_prefix("pooled_row_")
    plan = _numbers(routed_pairs, _PAIR).add_prefix("plan_")
    return pd.concat([own, *among, ranks], axis=1).join(pooled, on="target").join(plan)


def _numbers(table: pd.DataFrame, index: list[str]) -> pd.DataFrame:
    """The columns that are numbers, by those of `index`, which are names."""
    names = [table[name].astype(str) for name in index]
    numbers = table.select_dtypes(["number", "bool"]).astype(float)
    return numbers.set_index(pd.MultiIndex.from_arrays(names) if len(names) > 1 else pd.Index(names[0]))


def learn(pairs: Pairs) -> list[lightgbm.Booster]:
    """For each choice, what says how likely it is right."""
    return [
        lightgbm.train(LEARNER, lightgbm.Dataset(pairs.known, label=pairs.right[:, choice]), ROUNDS)
        for choice in range(len(Choice))
    ]


def right_by(learned: list[lightgbm.Booster], pairs: Pairs) -> Flags:
    """Whether the choice that is most likely right, by what was `learned`, is right."""
    likely = np.stack([model.predict(pairs.known) for model in learned], axis=-1)
    return _are_right(pairs, likely.argmax(axis=-1))


def _are_right(pairs: Pairs, choice: npt.NDArray[np.integer]) -> Flags:
    return np.take_along_axis(pairs.right, choice[:, None].astype(int), axis=-1)[:, 0]


def joined(worlds: list[Pairs]) -> Pairs:
    """All of them, one after another."""
    return Pairs(
        pd.concat([one.known for one in worlds], ignore_index=True),
        np.concatenate([one.right for one in worlds]),
        np.concatenate([one.chosen for one in worlds]),
        np.concatenate([one.kind for one in worlds]),
        np.concatenate([one.seed for one in worlds]),
    )


def report(pairs: Pairs, taught: Flags) -> None:
    """Print both shares of right pairs: of all, by kind and by seed."""
    routed_right = _are_right(pairs, pairs.chosen)
    rows = {"all": np.full(len(taught), True)}
    rows |= {kind: pairs.kind == kind for kind in np.unique(pairs.kind)}
    rows |= {f"seed {seed}": pairs.seed == seed for seed in np.unique(pairs.seed)}
    print(f"{'decidable pairs right':<24}{'pairs':>7}{'router':>9}{'taught':>9}")
    for name, chosen in rows.items():
        print(f"{name:<24}{chosen.sum():>7,}{routed_right[chosen].mean():>9.3f}{taught[chosen].mean():>9.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--seeds", type=seeds_of, default=[0, 1], help="the worlds that teach")
    add("--on", type=seeds_of, default=[], help="others to judge; without it those that teach, in turn")
    add("--cache", type=Path, default=Path(".truth_cache"), help="where truths are kept")
    add("--workdir", type=Path, default=Path(".truth_cache/runs"), help="where the pipeline runs")
    chosen = parser.parse_args()
    settings = argparse.Namespace(
        world="default", cache=chosen.cache, workdir=chosen.workdir, set=[], reuse=True, replans=0
    )
    for folder in (chosen.cache, chosen.workdir):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")

    def worlds(seeds: list[int]) -> Pairs:
        return joined([decidable_pairs(prepare(seed, settings), seed) for seed in seeds])

    pairs = worlds(chosen.seeds)
    if chosen.on:
        others = worlds(chosen.on)
        report(others, right_by(learn(pairs), others))
        return
    taught = np.zeros(len(pairs.seed), dtype=bool)
    folds = min(FOLDS, len(chosen.seeds))
    for fold in range(folds):
        held = np.isin(pairs.seed, chosen.seeds[fold::folds])
        taught[held] = right_by(learn(pairs.where(~held)), pairs.where(held))
    report(pairs, taught)


if __name__ == "__main__":
    main()
