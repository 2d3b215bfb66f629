"""Predicted returns as the expected returns of a portfolio, walked over the hold-out, with skfolio.

    pip install -r examples/requirements.txt
    foxml predict --holdout --out holdout.parquet
    python examples/skfolio_portfolio.py holdout.parquet fwd_ret_5d 5

Every 20 days the portfolio of the best mean-variance utility is made from what is predicted, and held until
the next. The last argument is the number of days that the target looks ahead. The prices are those of the
demo; put your own, one column a symbol, in their place.
"""

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd
from skfolio import MultiPeriodPortfolio, Portfolio
from skfolio.datasets import load_sp500_dataset
from skfolio.moments import BaseMu
from skfolio.optimization import EqualWeighted, MeanRisk, ObjectiveFunction
from skfolio.preprocessing import prices_to_returns
from skfolio.prior import EmpiricalPrior

HELD_DAYS, LEARNED_DAYS = 20, 252


class KnownMu(BaseMu):
    """Expected returns that were made elsewhere."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def fit(self, X: np.ndarray, y: None = None) -> "KnownMu":
        self.mu_ = self.values
        return self


def read_predictions(path: str, target: str, days: int) -> pd.DataFrame:
    """Predicted daily returns, times by symbols."""
    predictions = pd.read_parquet(path)
    own = predictions[predictions["target"] == target].astype({"symbol": str})
    return own.pivot(index="timestamp", columns="symbol", values="prediction") / days


def walk(returns: pd.DataFrame, predicted: pd.DataFrame) -> Iterator[tuple[Portfolio, Portfolio]]:
    """Of each stretch of days: the portfolio by predictions, and that of equal weights.

    What is predicted at the close of a day is held from the next day on.
    """
    for now in predicted.index[:-HELD_DAYS:HELD_DAYS]:
        at = returns.index.get_loc(now) + 1
        learned, held = returns.iloc[at - LEARNED_DAYS : at], returns.iloc[at : at + HELD_DAYS]
        prior = EmpiricalPrior(mu_estimator=KnownMu(predicted.loc[now].to_numpy()))
        best = MeanRisk(objective_function=ObjectiveFunction.MAXIMIZE_UTILITY, prior_estimator=prior)
        yield best.fit(learned).predict(held), EqualWeighted().fit(learned).predict(held)


def main(path: str, target: str, days: str) -> None:
    predicted = read_predictions(path, target, int(days)).dropna()
    returns = prices_to_returns(load_sp500_dataset())[predicted.columns]
    by_prediction, equal = zip(*walk(returns, predicted), strict=True)
    for name, portfolios in (("by prediction", by_prediction), ("equal weights", equal)):
        walked = MultiPeriodPortfolio(portfolios=list(portfolios))
        ratio, stretches = walked.annualized_sharpe_ratio, len(portfolios)
        print(f"{name}: annualized Sharpe ratio {ratio:.2f} over {stretches} stretches of {HELD_DAYS} days")


if __name__ == "__main__":
    main(*sys.argv[1:])
