from schema.contract import (
    CLASSIFICATION,
    EMBEDDINGS,
    PREDICT,
    PREDICT_COLUMNS,
    RANK,
    REGRESSION,
    SERVING_DEFAULT,
    TRANSFORM_FEATURES,
)


def test_tensorflow_serving_knows_the_methods_and_what_may_be_left_out(tagged):
    methods = {
        name: definition.method_name.rsplit("/", 1)[-1]
        for name, definition in tagged.definitions.items()
        if not name.startswith("_")
    }
    predicting = [SERVING_DEFAULT, PREDICT, PREDICT_COLUMNS, RANK, EMBEDDINGS]
    predicting.append(TRANSFORM_FEATURES)
    assert methods == dict.fromkeys(predicting, "predict") | {
        CLASSIFICATION: "classify",
        REGRESSION: "regress",
    }
    for name in (PREDICT_COLUMNS, RANK):
        definition = tagged.definitions[name]
        assert set(definition.inputs) == set(definition.defaults)
        assert set(definition.inputs) == set(tagged.dataset.features)
        shapes = {n: len(i.tensor_shape.dim) for n, i in definition.inputs.items()}
        assert (shapes["tags"], shapes["user"], shapes["price"]) == (2, 1, 1)
        for feature, value in definition.defaults.items():
            assert value.dtype == definition.inputs[feature].dtype
        one_row = {
            n for n, i in definition.inputs.items() if i.tensor_shape.dim[0].size == 1
        }
        assert one_row == (set(tagged.dataset.context) if name == RANK else set())
