from schema.contract import VOCABULARY_END, vocabulary_line, vocabulary_sizes


def test_sizes_count_lines_per_feature_even_with_colons_in_values():
    lines = [vocabulary_line("a", ""), vocabulary_line("a", "x:y"), VOCABULARY_END]
    assert vocabulary_sizes(lines)["a"] == 2
