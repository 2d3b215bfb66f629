"""Hyperparameters of each model family, under the names the library itself uses."""

from pydantic import Field

from foxml_assets.config_files import ConfigModel
from foxml_assets.vocabulary import ModelFamily


class LightGBMParams(ConfigModel):
    """Gradient-boosted trees, grown leaf by leaf."""

    rounds: int = Field(default=120, ge=1, le=100_000)
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    num_leaves: int = Field(default=15, ge=2, le=131_072)
    min_data_in_leaf: int = Field(default=100, ge=1)
    feature_fraction: float = Field(default=0.8, gt=0, le=1)
    bagging_fraction: float = Field(default=0.8, gt=0, le=1)
    lambda_l2: float = Field(default=1.0, ge=0)
    max_bin: int = Field(default=63, ge=2, le=65_535)


class XGBoostParams(ConfigModel):
    """Gradient-boosted trees on histograms, grown leaf by leaf."""

    rounds: int = Field(default=120, ge=1, le=100_000)
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    max_leaves: int = Field(default=15, ge=2, le=131_072)
    min_child_weight: float = Field(default=25.0, ge=0)
    colsample_bytree: float = Field(default=0.8, gt=0, le=1)
    subsample: float = Field(default=0.8, gt=0, le=1)
    reg_lambda: float = Field(default=1.0, ge=0)
    max_bin: int = Field(default=63, ge=2, le=65_535)


FamilyParams = LightGBMParams | XGBoostParams


class FamiliesConfig(ConfigModel):
    """The hyperparameters of every family."""

    lightgbm: LightGBMParams = LightGBMParams()
    xgboost: XGBoostParams = XGBoostParams()

    def of(self, family: ModelFamily) -> FamilyParams:
        """The hyperparameters of `family`."""
        if family is ModelFamily.LIGHTGBM:
            return self.lightgbm
        return self.xgboost
