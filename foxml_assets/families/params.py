"""Hyperparameters: the base of every family's, and ridge's, which the screen of the evidence has too."""

from pydantic import Field

from foxml_assets.core.config_files import ConfigModel


class FamilyParams(ConfigModel):
    """Base of the hyperparameters of one family."""


class RidgeParams(FamilyParams):
    """Ridge on clipped z-scores, with an intercept per symbol in pooled models."""

    prior_r2: float = Field(default=0.05, gt=0, le=1)
    clip: float = Field(default=3.0, gt=0)
    intercept_prior_rows: float = Field(default=100.0, ge=0)
