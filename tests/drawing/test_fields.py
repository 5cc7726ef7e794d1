import numpy as np

from nimblepose.drawing.fields import draw_fields, tile


def test_fields_are_drawn_where_they_are_and_hue_is_their_direction():
    image = np.full((32, 48, 3), 100, np.uint8)
    heatmaps, pafs = np.zeros((3, 4, 6), np.float32), np.zeros((4, 4, 6), np.float32)
    heatmaps[1, 2, 3] = 1
    heatmaps[2] = 1  # background is not shown
    pafs[0, 1, 1], pafs[2, 1, 4] = 1, -1  # one limb to the right, another to the left
    drawn = draw_fields(image, heatmaps, pafs)
    assert drawn.shape == (32, 144, 3)
    picture, heat, directions = np.split(drawn.astype(int), 3, axis=1)
    np.testing.assert_array_equal(picture, image)
    brightest = np.argwhere(heat.sum(-1) == heat.sum(-1).max())
    np.testing.assert_allclose(brightest.mean(axis=0), [19.5, 27.5])  # the middle of cell (2, 3)
    right, left, nowhere = directions[12, 12], directions[12, 36], directions[28, 28]
    assert right.argmax() == 0  # red is to the right, its complement to the left
    assert left.argmin() == 0
    assert len(set(nowhere)) == 1


def test_tiles_lie_in_reading_order():
    pictures = [np.full((2, 3, 3), i, np.uint8) for i in range(3)]
    sheet = tile(pictures, columns=2)
    assert sheet.shape == (4, 6, 3)
    assert [sheet[0, 0, 0], sheet[0, 3, 0], sheet[2, 0, 0], sheet[2, 3, 0]] == [0, 1, 2, 255]
