"""Hyperparameters of each model family, under the names the library itself uses."""

from pydantic import Field

from foxml_assets.config_files import ConfigModel
from foxml_assets.vocabulary import ModelFamily


class FamilyParams(ConfigModel):
    """Base of the hyperparameters of one family."""


class LightGBMParams(FamilyParams):
    """Gradient-boosted trees, grown leaf by leaf."""

    rounds: int = Field(default=120, ge=1, le=100_000)
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    num_leaves: int = Field(default=15, ge=2, le=131_072)
    min_data_in_leaf: int = Field(default=100, ge=1)
    feature_fraction: float = Field(default=0.8, gt=0, le=1)
    bagging_fraction: float = Field(default=0.8, gt=0, le=1)
    lambda_l2: float = Field(default=1.0, ge=0)
    max_bin: int = Field(default=63, ge=2, le=65_535)


class XGBoostParams(FamilyParams):
    """Gradient-boosted trees on histograms, grown leaf by leaf."""

    rounds: int = Field(default=120, ge=1, le=100_000)
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    max_leaves: int = Field(default=15, ge=2, le=131_072)
    min_child_weight: float = Field(default=25.0, ge=0)
    colsample_bytree: float = Field(default=0.8, gt=0, le=1)
    subsample: float = Field(default=0.8, gt=0, le=1)
    reg_lambda: float = Field(default=1.0, ge=0)
    max_bin: int = Field(default=63, ge=2, le=65_535)


class RidgeParams(FamilyParams):
    """Ridge on clipped z-scores, with an intercept per symbol in pooled models."""

    prior_r2: float = Field(default=0.05, gt=0, le=1)
    clip: float = Field(default=3.0, gt=0)
    intercept_prior_rows: float = Field(default=100.0, ge=0)


class FamiliesConfig(ConfigModel):
    """The hyperparameters of every family, each under its name."""

    lightgbm: LightGBMParams = LightGBMParams()
    xgboost: XGBoostParams = XGBoostParams()
    ridge: RidgeParams = RidgeParams()

    def of(self, family: ModelFamily) -> FamilyParams:
        """The hyperparameters of `family`."""
        params: FamilyParams = getattr(self, family.value)
        return params
