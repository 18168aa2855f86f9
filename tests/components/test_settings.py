from components.settings import flattened


def test_nested_settings_get_dotted_names():
    nested = {"a": {"b": 1, "c": {"d": None}}, "e": [{"f": 2}], "g": {}}
    expected = {"a.b": 1, "a.c.d": None, "e": [{"f": 2}], "g": {}}
    assert flattened(nested) == expected
