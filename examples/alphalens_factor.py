"""Is a target's prediction a factor? Its information coefficient and its returns by quantile, with alphalens.

    pip install -r examples/requirements.txt
    foxml predict --holdout --out holdout.parquet
    python examples/alphalens_factor.py holdout.parquet fwd_log_vol_10d

The prices are those of the demo; put your own, one column a symbol, in their place.
"""

import sys

import pandas as pd
from alphalens.performance import factor_information_coefficient, mean_return_by_quantile
from alphalens.utils import get_clean_factor_and_forward_returns
from skfolio.datasets import load_sp500_dataset


def read_factor(path: str, target: str) -> pd.Series:
    """The predictions of one target by time and symbol."""
    predictions = pd.read_parquet(path)
    own = predictions[predictions["target"] == target].astype({"symbol": str})
    return own.set_index(["timestamp", "symbol"])["prediction"]


def main(path: str, target: str) -> None:
    data = get_clean_factor_and_forward_returns(
        read_factor(path, target), load_sp500_dataset(), periods=(1, 5, 20), quantiles=3, max_loss=0.5
    )
    print("Mean information coefficient with the return of so many days")
    print(factor_information_coefficient(data).mean().round(3).to_string())
    returns, _ = mean_return_by_quantile(data)
    print("Mean return by quantile of the prediction, in basis points")
    print((1e4 * returns).round(1).to_string())


if __name__ == "__main__":
    main(*sys.argv[1:])
