import io

import pytest
from matplotlib import image

from pipeline import chart


@pytest.mark.parametrize("sd", [None, 0.01])
def test_draws_a_png_that_grows_with_the_models(sd):
    spread = {"mean": 0.7, "sd": sd, "values": [0.7] * (2 if sd else 1)}
    model = {
        "auc": spread,
        "log_loss": spread,
        "training_examples_per_second": 1e5,
        "latency_ms": {"p50": 0.5, "p99": 1.0},
    }
    heights = []
    for count in (1, 8):
        png = chart.draw({f"model_{i}": model for i in range(count)})
        pixels = image.imread(io.BytesIO(png), format="png")
        assert pixels[..., :3].min() < 0.5 < pixels[..., :3].max()
        heights.append(len(pixels))
    assert heights[1] > 1.5 * heights[0]
