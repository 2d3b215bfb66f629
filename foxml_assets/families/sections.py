"""The hyperparameters of the families, each validated by its own family's parameters."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    ConfigDict,
    SerializeAsAny,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from foxml_assets.core.config_files import ConfigModel
from foxml_assets.core.entry_points import FAMILIES
from foxml_assets.core.errors import FamilyError, Problem
from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.families.params import FamilyParams
from foxml_assets.families.registry import find_family

FamilyName = Annotated[ModelFamily, AfterValidator(FAMILIES.check)]

# These have a section, of their defaults, in a config that writes none.
_ALWAYS = ("lightgbm", "xgboost", "ridge")


class FamiliesConfig(ConfigModel):
    """The hyperparameters of each family under its name. A family that is trained must have a section."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, SerializeAsAny[FamilyParams]]

    @model_validator(mode="before")
    @classmethod
    def _by_family(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        _refuse_unknown(value)
        names = [*_ALWAYS, *(name for name in value if name not in _ALWAYS)]
        kinds = {name: find_family(name).params for name in names}
        fields: dict[str, Any] = {name: (kind, kind()) for name, kind in kinds.items()}
        parsed = create_model("families", __base__=ConfigModel, **fields).model_validate(value)
        return {name: getattr(parsed, name) for name in names}

    @property
    def names(self) -> frozenset[ModelFamily]:
        """The families that have a section."""
        return frozenset(self.__pydantic_extra__)

    def of(self, family: ModelFamily) -> FamilyParams:
        """The hyperparameters of `family`. Raises FamilyError for one without a section."""
        sections = self.__pydantic_extra__
        if family not in sections:
            raise FamilyError(
                "a model family has no section",
                problems=[Problem("families", f"has {', '.join(sections)}", family)],
                fix=f"write `{family}: {{}}` under `families` in training_config.yaml",
            )
        return sections[family]


def _refuse_unknown(sections: Mapping[str, object]) -> None:
    known, what = FAMILIES.points(), FAMILIES.unknown()
    wrong: list[InitErrorDetails] = [
        {
            "type": PydanticCustomError("unknown_family", "{what}", {"what": what}),
            "loc": (name,),
            "input": name,
        }
        for name in sections
        if name not in known
    ]
    if wrong:
        raise ValidationError.from_exception_data("families", wrong)
