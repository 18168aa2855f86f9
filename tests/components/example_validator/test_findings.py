import numpy as np
import pytest
import tensorflow_data_validation as tfdv

from components.example_validator import findings
from tests.components.example_validator.tables import ROWS, SCHEMA, statistics


def against_schema(found):
    anomalies = tfdv.validate_statistics(found, SCHEMA)
    return findings.schema_findings(anomalies, found, SCHEMA, "train")


def drift(now, before):
    return findings.drift_findings(now, before, SCHEMA, "train")


def test_data_that_fits_is_not_worth_a_word():
    found = statistics(new=0.04, missing=0.09)
    assert against_schema(found) == []
    assert drift(found, statistics(tv=0.25)) == []
    assert drift(found, found) == []


def test_new_categories_beyond_the_allowed_share():
    [sentence] = against_schema(statistics(new=0.06))
    assert sentence.startswith("feature 'device' of split 'train': 6.00% of the values")
    assert "and 7 more), at most 5.00% may be outside" in sentence
    assert "'new" in sentence
    assert "min_domain_mass" in sentence


def test_missing_values_beyond_the_allowed_share():
    [sentence] = against_schema(statistics(missing=0.25))
    assert "'device'" in sentence
    assert "75.00% of the rows have a value, at least 90.00% must" in sentence
    assert "presence.min_fraction" in sentence


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            123.5,
            "the largest value is 123.5, at most 100 is allowed (float_domain.max)",
        ),
        (
            -3.25,
            "the smallest value is -3.25, at least 0 is allowed (float_domain.min)",
        ),
    ],
)
def test_a_number_out_of_range(value, words):
    price = np.full(ROWS, 50.0)
    price[7] = value
    [sentence] = against_schema(statistics(prices=price))
    assert sentence.startswith(f"feature 'price' of split 'train': {words}")


def test_what_has_no_sentence_of_its_own_is_said_in_tfdvs():
    [sentence] = against_schema(statistics(colour=["red"] * ROWS))
    assert sentence.startswith("feature 'colour' of split 'train': New column")
    assert "mend the data, or the schema" in sentence


def test_drift_of_a_categorical_field():
    [sentence] = drift(statistics(tv=0.5), statistics(tv=0.2))
    assert sentence.startswith("feature 'device' of split 'train'")
    assert "a change of 0.3 where at most 0.1 is allowed" in sentence
    assert "drift_comparator.infinity_norm" in sentence
    assert "the share of 'phone' was 80.00% of the values" in sentence
    assert "is 50.00% now" in sentence


def test_drift_of_a_numeric_field():
    [sentence] = drift(statistics(price=70.0), statistics(price=30.0))
    assert sentence.startswith("feature 'price' of split 'train'")
    assert "Jensen-Shannon divergence of 0." in sentence
    assert "at most 0.1 is allowed" in sentence


def test_a_field_that_is_new_has_not_drifted():
    before = statistics()
    del before.datasets[0].features[0]
    assert drift(statistics(), before) == []


def test_a_field_that_has_lost_all_values_is_found_by_the_schema_alone():
    lost = statistics(missing=1.0)
    assert drift(lost, statistics()) == []
    [sentence] = against_schema(lost)
    assert "'device' of split 'train': The feature was not present" in sentence


def test_the_number_of_rows_can_have_a_threshold_too():
    schema = type(SCHEMA).FromString(SCHEMA.SerializeToString())
    comparator = schema.dataset_constraints.num_examples_drift_comparator
    comparator.min_fraction_threshold = 0.5
    more = statistics()
    more.datasets[0].num_examples *= 4
    [sentence] = findings.drift_findings(statistics(), more, schema, "train")
    assert sentence.startswith("split 'train': ")
