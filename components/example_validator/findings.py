"""Puts what TFDV finds wrong with the data into sentences.

Each names the feature and the split, what was measured against which line of the
schema, and what to do.
"""

from collections.abc import Callable
from typing import TypeAlias

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

Statistics: TypeAlias = statistics_pb2.DatasetFeatureStatisticsList
_Feature: TypeAlias = statistics_pb2.FeatureNameStatistics
_Rule: TypeAlias = schema_pb2.Feature

_Type = anomalies_pb2.AnomalyInfo.Type
_Measure = anomalies_pb2.DriftSkewInfo.Measurement.Type
_NUM_EXAMPLES = (
    _Type.COMPARATOR_LOW_NUM_EXAMPLES,
    _Type.COMPARATOR_HIGH_NUM_EXAMPLES,
)
_DISTANCES = {
    _Measure.JENSEN_SHANNON_DIVERGENCE: (
        "Jensen-Shannon divergence",
        "jensen_shannon_divergence",
    ),
    _Measure.NORMALIZED_ABSOLUTE_DIFFERENCE: (
        "normalized absolute difference",
        "normalized_abs_difference",
    ),
}
_NAMED_VALUES = 3  # how many values outside a domain a sentence gives


def schema_findings(
    anomalies: anomalies_pb2.Anomalies,
    statistics: Statistics,
    schema: schema_pb2.Schema,
    split: str,
) -> list[str]:
    """Returns a sentence for each anomaly that ExampleValidator found in a split."""
    features, rules = _features(statistics), _rules(schema)
    sentences = []
    for name, info in sorted(anomalies.anomaly_info.items()):
        for reason in info.reason or (info,):
            said = _SAY.get(getattr(reason, "type", None))
            sentences.append(
                f"feature {name!r} of split {split!r}: "
                + (
                    said(features[name], rules[name])
                    if said and name in features and name in rules
                    else _plain(reason.description)
                )
            )
    for reason in anomalies.dataset_anomaly_info.reason:
        sentences.append(f"split {split!r}: {_plain(reason.description)}")
    return sentences


def drift_findings(
    statistics: Statistics, previous: Statistics, schema: schema_pb2.Schema, split: str
) -> list[str]:
    """Returns a sentence for each `drift_comparator` whose threshold is passed.

    A feature that the previous data lacks is new, and has not drifted; one that has
    lost all its values is for ExampleValidator to find.

    Args:
        statistics: Of a split of this run.
        previous: Of the same split of the run to compare with.
        schema: Holds the thresholds.
        split: The split's name.
    """
    found = tfdv.validate_statistics(statistics, schema, previous_statistics=previous)
    now, before = _features(statistics), _features(previous)
    sentences = []
    for drift in sorted(found.drift_skew_info, key=lambda info: info.path.step[0]):
        name = drift.path.step[0]
        for measured in drift.drift_measurements:
            if measured.value > measured.threshold:
                sentences.append(
                    f"feature {name!r} of split {split!r}: "
                    + _drifted(measured, before[name], now[name])
                )
    for reason in found.dataset_anomaly_info.reason:
        if reason.type in _NUM_EXAMPLES:
            sentences.append(f"split {split!r}: {_plain(reason.description)}")
    return sentences


def _drifted(
    measured: anomalies_pb2.DriftSkewInfo.Measurement, before: _Feature, now: _Feature
) -> str:
    cure = (
        "find out what has changed, or raise the threshold for one run if the change "
        "is meant."
    )
    if measured.type == _Measure.L_INFTY:
        old, new = _shares(before), _shares(now)
        value = max(
            sorted(old | new), key=lambda v: abs(new.get(v, 0.0) - old.get(v, 0.0))
        )
        return (
            f"the share of {value!r} was {old.get(value, 0.0):.2%} of the values in "
            f"the last run whose data passed and is {new.get(value, 0.0):.2%} now, a "
            f"change of {measured.value:.4g} where at most {measured.threshold:g} is "
            f"allowed (drift_comparator.infinity_norm); {cure}"
        )
    distance, key = _DISTANCES[measured.type]
    return (
        "its distribution differs from that of the last run whose data passed by a "
        f"{distance} of {measured.value:.4g} where at most {measured.threshold:g} is "
        f"allowed (drift_comparator.{key}); {cure}"
    )


def _missing(feature: _Feature, rule: _Rule) -> str:
    stats = getattr(feature, feature.WhichOneof("stats")).common_stats
    present = stats.num_non_missing / (stats.num_non_missing + stats.num_missing)
    return (
        f"{present:.2%} of the rows have a value, at least "
        f"{rule.presence.min_fraction:.2%} must (presence.min_fraction); find out why "
        "values are missing, or lower the threshold."
    )


def _outside_domain(feature: _Feature, rule: _Rule) -> str:
    shares, domain = _shares(feature), set(rule.string_domain.value)
    new = [value for value in shares if value not in domain]
    named = ", ".join(repr(value) for value in new[:_NAMED_VALUES])
    if len(new) > _NAMED_VALUES:
        named += f" and {len(new) - _NAMED_VALUES} more"
    allowed = 1.0 - rule.distribution_constraints.min_domain_mass
    return (
        f"{sum(shares[value] for value in new):.2%} of the values are not in its "
        f"domain ({named}), at most {allowed:.2%} may be outside "
        "(distribution_constraints.min_domain_mass); add the new values to the domain, "
        "or lower the threshold."
    )


def _too_large(feature: _Feature, rule: _Rule) -> str:
    return _out_of_range("largest", feature.num_stats.max, "at most", "max", rule)


def _too_small(feature: _Feature, rule: _Rule) -> str:
    return _out_of_range("smallest", feature.num_stats.min, "at least", "min", rule)


def _out_of_range(which: str, found: float, bound: str, key: str, rule: _Rule) -> str:
    domain = rule.WhichOneof("domain_info")
    limit = getattr(getattr(rule, domain), key)
    return (
        f"the {which} value is {found:.10g}, {bound} {limit:.10g} is allowed "
        f"({domain}.{key}); mend the values, or widen the range."
    )


_SAY: dict[int | None, Callable[[_Feature, _Rule], str]] = {
    _Type.FEATURE_TYPE_LOW_FRACTION_PRESENT: _missing,
    _Type.ENUM_TYPE_UNEXPECTED_STRING_VALUES: _outside_domain,
    _Type.FLOAT_TYPE_BIG_FLOAT: _too_large,
    _Type.FLOAT_TYPE_SMALL_FLOAT: _too_small,
    _Type.INT_TYPE_BIG_INT: _too_large,
    _Type.INT_TYPE_SMALL_INT: _too_small,
}


def _plain(description: str) -> str:
    """Returns TFDV's own words, and what to do."""
    return (
        f"{description.strip().rstrip('.')}; mend the data, or the schema where it is "
        "too strict."
    )


def _features(statistics: Statistics) -> dict[str, _Feature]:
    [dataset] = statistics.datasets  # StatisticsGen is not told to make slices
    return {feature.path.step[0]: feature for feature in dataset.features}


def _rules(schema: schema_pb2.Schema) -> dict[str, _Rule]:
    """Returns what the schema says of each feature, its domain's values included."""
    domains = {domain.name: domain for domain in schema.string_domain}
    rules = {}
    for feature in schema.feature:
        rules[feature.name] = rule = schema_pb2.Feature()
        rule.CopyFrom(feature)
        if feature.HasField("domain"):
            rule.string_domain.CopyFrom(domains[feature.domain])
    return rules


def _shares(feature: _Feature) -> dict[str, float]:
    """Returns the share of each value, as far as the statistics name it."""
    buckets = feature.string_stats.rank_histogram.buckets
    total = sum(bucket.sample_count for bucket in buckets)
    return {bucket.label: bucket.sample_count / total for bucket in buckets}
