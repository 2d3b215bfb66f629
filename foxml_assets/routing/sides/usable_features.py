"""Feature lists with leakage statuses: what a job may use under the policy."""

from dataclasses import dataclass

import msgspec

from foxml_assets.core.hashing import canonical_json
from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.storage.exact_json import decode_json


@dataclass(frozen=True)
class FeatureList:
    """One distinct feature list after the policy: as JSON objects, or unreadable."""

    allowed: str | None
    dropped: str | None
    too_few: bool
    readable: bool = True


def allowed_features(text: str | None, policy: RoutingPolicy) -> FeatureList:
    """What the policy leaves of a JSON object feature -> leakage status.

    Without a list the features are unknown, so they count as features of status UNKNOWN.
    """
    filtering = policy.require_safe_features_only
    if text is None:
        unknown_ok = LeakageStatus.UNKNOWN in policy.allowed_feature_leakage_status
        return FeatureList(None, None, too_few=filtering and not unknown_ok)
    try:
        features = decode_json(text, dict[str, LeakageStatus])
    except msgspec.DecodeError:
        return FeatureList(None, None, too_few=False, readable=False)
    allowed = {
        name: status
        for name, status in features.items()
        if not filtering or status in policy.allowed_feature_leakage_status
    }
    dropped = {name: status for name, status in features.items() if name not in allowed}
    return FeatureList(
        allowed=canonical_json(allowed).decode(),
        dropped=canonical_json(dropped).decode() if dropped else None,
        too_few=filtering and len(allowed) < policy.min_features,
    )
