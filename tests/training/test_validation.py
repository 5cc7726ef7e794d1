import numpy as np

from nimblepose import Skeleton
from nimblepose.codec.encode import encode
from nimblepose.core.metadata import ModelMetadata
from nimblepose.data.sheet import draw_fields
from nimblepose.model.network import build_network
from nimblepose.training.feed import build_dataset
from nimblepose.training.recipe import load_recipe
from nimblepose.training.validation import Validator

VALIDATION = {"annotations": "annotations.json", "images": "images", "height": 64, "pictures": 3}


def test_an_untrained_network_finds_nobody_and_its_fields_are_drawn_beside_the_targets(tiny):
    recipe = load_recipe(tiny(validation=VALIDATION))
    skeleton = Skeleton.load(recipe.data.skeleton)
    network = build_network(recipe.network, skeleton, seed=0).eval()
    validator = Validator(recipe, skeleton, build_dataset(recipe, skeleton, on_device=False))
    metadata = ModelMetadata(skeleton=skeleton)
    assert validator.measure(network, metadata)["ap"] < 0.05
    drawn = validator.draw(network, metadata)
    assert drawn.shape == (3 * 64, 6 * 64, 3)
    batch = validator.dataset[1]
    image = batch.image[0].numpy().transpose(1, 2, 0)
    expected = draw_fields(image, *encode(batch.xy[0].numpy(), (8, 8), skeleton, recipe.encode))
    np.testing.assert_array_equal(drawn[64:128, 3 * 64 :], expected)
    np.testing.assert_array_equal(validator.draw(network, metadata), drawn)  # the same samples every time
