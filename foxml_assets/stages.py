"""The stages of the pipeline, in order."""

from enum import StrEnum


class Stage(StrEnum):
    """Where `foxml run` may stop."""

    EVIDENCE = "evidence"
    CANDIDATES = "candidates"
    ROUTING = "routing"
    PLAN = "plan"
    TRAINING = "training"
