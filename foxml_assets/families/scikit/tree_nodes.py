"""Trees of a model file, checked before they predict: scikit-learn follows their numbers without looking."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Nodes:
    """The nodes of a tree, the root first: which are splits, and of those both children and the feature."""

    splits: npt.NDArray[np.bool_]
    left: npt.NDArray[np.integer]
    right: npt.NDArray[np.integer]
    feature: npt.NDArray[np.integer]


def check_trees(trees: Iterable[Nodes], n_features: int) -> None:
    """Raises ValueError unless each walk from a root ends in a leaf and looks at columns that there are."""
    for tree in trees:
        at = np.flatnonzero(tree.splits)
        left, right, feature = (
            values[at].astype(np.int64) for values in (tree.left, tree.right, tree.feature)
        )
        # Children stand behind their parent, so a walk goes forward only and must end.
        inside = (at < np.minimum(left, right)) & (np.maximum(left, right) < len(tree.splits))
        if not len(tree.splits) or not (inside & (feature >= 0) & (feature < n_features)).all():
            raise ValueError("a tree leads out of itself")
