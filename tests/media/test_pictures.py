"""Whatever a picture file looks like inside, out comes upright (H, W, 3) uint8 RGB, or one clear error."""

import io
import struct

import cv2
import numpy as np
import pytest
from picture_files import png, saved
from PIL import Image

from nimblepose.core.errors import MediaError
from nimblepose.media import picture_bytes
from nimblepose.media.pictures import read_deep, read_picture, read_reduced

HEIGHT, WIDTH = 40, 56


@pytest.fixture(scope="module")
def rgb():
    """Smooth, with a different colour in every corner, so that any turn or swap shows."""
    y, x = np.mgrid[0 : 1 : HEIGHT * 1j, 0 : 1 : WIDTH * 1j]
    return np.stack([255 * x, 255 * y, 255 * (1 - x) * (1 - y)], -1).round().astype(np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "WEBP", "GIF"])
def test_lossless_files_come_back_as_they_were(rgb, kind, tmp_path):
    few_colours = (rgb // 128) * 128
    path = tmp_path / f"picture.{kind.lower()}"
    path.write_bytes(saved(Image.fromarray(few_colours), kind, **({"lossless": True} if kind == "WEBP" else {})))
    np.testing.assert_array_equal(read_picture(path), few_colours)
    np.testing.assert_array_equal(read_picture(str(path)), few_colours)
    np.testing.assert_array_equal(read_picture(path.read_bytes()), few_colours)


@pytest.mark.parametrize("subsampling", [0, 1, 2], ids=["444", "422", "420"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
def test_the_fast_jpeg_road_gives_the_pixels_of_the_careful_one(mode, subsampling, progressive):
    noise = np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8)
    data = saved(Image.fromarray(noise).convert(mode), "JPEG", subsampling=subsampling, progressive=progressive)
    careful = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    np.testing.assert_array_equal(read_picture(data), careful)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_exif_orientation_is_undone(rgb, kind, orientation):
    stored = {  # how a camera that writes this tag lays an upright scene into the file
        1: rgb,
        2: rgb[:, ::-1],
        3: rgb[::-1, ::-1],
        4: rgb[::-1],
        5: rgb.transpose(1, 0, 2),
        6: np.rot90(rgb, 1),
        7: rgb[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(rgb, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    data = saved(Image.fromarray(np.ascontiguousarray(stored)), kind, exif=exif, **options)
    found = read_picture(data)
    assert found.shape == rgb.shape
    np.testing.assert_allclose(found.astype(int), rgb, atol=6 if kind == "JPEG" else 0)


IN_LETTERS = struct.pack("<HHI4s", 0x0112, 2, 2, b"x")  # the orientation, as a text of two letters


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize(
    "exif",
    [b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\x12\x01" * 8, b"Exif\0\0II*\0\x08\0\0\0\1\0" + IN_LETTERS + bytes(4)],
    ids=["cut", "letters"],
)
def test_a_damaged_exif_block_does_not_cost_the_picture(rgb, exif):
    data = saved(Image.fromarray(rgb), "JPEG", exif=exif)
    np.testing.assert_array_equal(read_picture(data), read_picture(saved(Image.fromarray(rgb), "JPEG")))


def test_gray_and_palette_become_rgb(rgb):
    gray = Image.fromarray(rgb).convert("L")
    expected = np.repeat(np.asarray(gray)[..., None], 3, axis=2)
    np.testing.assert_array_equal(read_picture(saved(gray, "PNG")), expected)
    palette = Image.fromarray(rgb).quantize(16)
    np.testing.assert_array_equal(read_picture(saved(palette, "PNG")), np.asarray(palette.convert("RGB")))
    bilevel = gray.convert("1")
    np.testing.assert_array_equal(read_picture(saved(bilevel, "PNG")), np.asarray(bilevel.convert("RGB")))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_shows_white(rgb, mode):
    image = Image.fromarray(rgb).convert(mode)
    image.putalpha(Image.fromarray(np.tile(np.array([0, 128, 255, 255], np.uint8), (HEIGHT, WIDTH // 4))))
    opaque = np.asarray(Image.fromarray(rgb).convert(mode[:-1]).convert("RGB")).astype(float)
    found = read_picture(saved(image, "PNG"))
    np.testing.assert_array_equal(found[:, 0::4], 255)
    np.testing.assert_allclose(found[:, 1::4], opaque[:, 1::4] * 128 / 255 + 255 * 127 / 255, atol=0.51)
    np.testing.assert_array_equal(found[:, 2::4], opaque[:, 2::4])


def test_a_transparent_palette_entry_shows_white():
    image = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8), "P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    found = read_picture(saved(image, "GIF", transparency=1))
    np.testing.assert_array_equal(found, [[[10, 20, 30], [255] * 3], [[255] * 3, [10, 20, 30]]])


def test_sixteen_bits_keep_their_upper_eight(tmp_path):
    values = np.arange(0, 65536, 4096, dtype=np.uint16).reshape(4, 4)
    expected = np.repeat((values >> 8).astype(np.uint8)[..., None], 3, axis=2)
    gray = png(4, 4, 16, 0, [row.astype(">u2").tobytes() for row in values])
    colour = png(4, 4, 16, 2, [np.repeat(row, 3).astype(">u2").tobytes() for row in values])
    for data in (gray, colour, saved(Image.fromarray(values), "TIFF")):
        np.testing.assert_array_equal(read_picture(data), expected)
    np.testing.assert_array_equal(read_picture(values), expected)


def test_cmyk_jpeg(rgb):
    found = read_picture(saved(Image.fromarray(rgb).convert("CMYK"), "JPEG", quality=100, subsampling=0))
    np.testing.assert_allclose(found.astype(int), rgb, atol=8)


@pytest.mark.parametrize(("kind", "options"), [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}), ("TIFF", {})])
def test_of_an_animation_the_first_frame_is_read(kind, options):
    frames = [Image.new("RGB", (8, 6), colour) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert Image.open(io.BytesIO(data)).n_frames == 3
    np.testing.assert_array_equal(read_picture(data), np.asarray(frames[0]))


def test_a_pil_image_keeps_its_orientation(rgb):
    exif = Image.Exif()
    exif[0x0112] = 6
    held = Image.open(io.BytesIO(saved(Image.fromarray(rgb), "PNG", exif=exif)))
    np.testing.assert_array_equal(read_picture(held), rgb)


@pytest.mark.parametrize(
    "make", [lambda a: a, lambda a: a[..., ::-1][..., ::-1], lambda a: a[::2]], ids=["as_is", "view", "rows"]
)
def test_rgb_arrays_are_taken_as_they_are(rgb, make):
    np.testing.assert_array_equal(read_picture(make(rgb)), make(rgb))


def test_gray_and_rgba_arrays(rgb):
    expected = np.repeat(rgb[..., :1], 3, axis=2)
    np.testing.assert_array_equal(read_picture(rgb[..., 0]), expected)
    np.testing.assert_array_equal(read_picture(rgb[..., :1]), expected)
    opaque = np.concatenate([rgb, np.full((HEIGHT, WIDTH, 1), 255, np.uint8)], -1)
    np.testing.assert_array_equal(read_picture(opaque), rgb)


@pytest.mark.parametrize(
    ("array", "remedy"),
    [
        (np.zeros((4, 4, 3), np.float32), r"\* 255"),
        (np.zeros((4, 4, 3), bool), "uint8"),
        (np.zeros((3, 40, 40), np.uint8), r"transpose\(1, 2, 0\)"),
        (np.zeros((4, 4, 2), np.uint8), "shape"),
        (np.zeros((1, 4, 4, 3), np.uint8), "shape"),
        (np.zeros((0, 4, 3), np.uint8), "shape"),
        (np.zeros(4, np.uint8), "shape"),
    ],
    ids=["float", "bool", "planar", "two_channels", "batch", "empty", "flat"],
)
def test_other_arrays_are_refused_with_the_remedy(array, remedy):
    with pytest.raises(MediaError, match=remedy):
        read_picture(array)


def test_something_else_entirely_is_refused():
    with pytest.raises(MediaError, match="got NoneType"):
        read_picture(None)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_truncated_files_are_refused_by_name(kind, share, tmp_path):
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (120, 90, 3), np.uint8))
    data = saved(noise, kind)
    path = tmp_path / "half.bin"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(MediaError, match=r"half\.bin"):
        read_picture(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"not a picture at all", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        (b"\xff\xd8\xff\xd9", "picture"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
    ],
    ids=["empty", "text", "eps_would_start_a_program", "jpeg_shell", "png_shell"],
)
def test_what_is_no_picture_is_refused_by_name(content, message, tmp_path):
    path = tmp_path / "thing.jpg"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=message) as caught:
        read_picture(path)
    assert "thing.jpg" in str(caught.value)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(MediaError, match="no such file"):
        read_picture(tmp_path / "nowhere.jpg")
    with pytest.raises(MediaError, match="is a folder, not a picture"):
        read_picture(tmp_path)


@pytest.mark.parametrize("size", [(20_000, 20_000), (2_000_000, 2_000_000)], ids=["400_megapixel", "4_terapixel"])
def test_decompression_bombs_are_refused_by_their_header(size):
    bomb = png(*size, 8, 0, [b"\0" * 10])
    with pytest.raises(MediaError, match="pixels"):
        read_picture(bomb)


def test_the_pixel_limit_is_an_option(rgb):
    data = saved(Image.fromarray(rgb), "PNG")
    assert read_picture(data, max_pixels=HEIGHT * WIDTH).shape == rgb.shape
    with pytest.raises(MediaError, match=f"{WIDTH} x {HEIGHT}"):
        read_picture(data, max_pixels=HEIGHT * WIDTH - 1)


def test_the_number_of_pixels_is_told_before_they_are_decoded(rgb, tmp_path):
    class Enough(BaseException):
        """Nothing was decoded."""

    def refuse(pixels):
        raise Enough(pixels)

    path = tmp_path / "a.png"
    path.write_bytes(saved(Image.fromarray(rgb), "PNG")[:-30])  # damaged, which decoding would find
    for source in (path, path.read_bytes()):
        with pytest.raises(Enough, match=str(HEIGHT * WIDTH)):
            read_picture(source, expect=refuse)


def test_a_path_that_leads_through_a_file_or_cannot_be(tmp_path):
    (tmp_path / "a.jpg").touch()
    for path in (tmp_path / "a.jpg" / "b.jpg", "a\0b.jpg", "x" * 5000):
        with pytest.raises(MediaError, match=r"cannot read|no such file"):
            read_picture(path)


def test_a_file_that_no_picture_fills_is_not_read_to_its_end(rgb, tmp_path, monkeypatch):
    data = saved(Image.fromarray(rgb), "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    monkeypatch.setattr(picture_bytes, "_MAX_FILE_BYTES", len(data))
    np.testing.assert_array_equal(read_picture(path), rgb)
    path.write_bytes(data + b"\0")
    with pytest.raises(MediaError, match=r"a\.png: larger than \d+ MiB"):
        read_picture(path)


def test_all_that_is_transparent_in_part_is_rounded_to_the_nearest():
    colour, alpha = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    found = read_picture(np.stack([colour, colour[:, ::-1], colour, alpha], axis=2)).astype(float)
    part = alpha / 255
    np.testing.assert_allclose(found[..., 0], colour * part + 255 * (1 - part), atol=0.5 + 1e-9)
    np.testing.assert_allclose(found[..., 1], colour[:, ::-1] * part + 255 * (1 - part), atol=0.5 + 1e-9)


@pytest.mark.parametrize(("mode", "plain"), [("RGBa", "RGB"), ("La", "L"), ("PA", "P")])
def test_rare_kinds_of_transparency_show_white_too(rgb, mode, plain):
    image = Image.fromarray(rgb).convert(plain)
    opaque = np.asarray(image.convert("RGB"))
    image.putalpha(Image.fromarray(np.tile(np.array([0, 255], np.uint8), (HEIGHT, WIDTH // 2))))
    image = image if image.mode == mode else image.convert(mode)
    assert image.mode == mode
    found = read_picture(image)
    np.testing.assert_array_equal(found[:, ::2], 255)
    np.testing.assert_array_equal(found[:, 1::2], opaque[:, 1::2])


@pytest.mark.filterwarnings("ignore:pictures of more than 8 bits")
def test_colours_of_16_bits_in_every_file_are_those_of_the_array():
    ramp = np.linspace(0, 4000, 30 * 40).astype(np.uint16).reshape(30, 40)
    colours = np.stack([ramp, ramp[::-1], ramp[:, ::-1]], axis=2)
    alpha = np.full_like(ramp, 65535)
    alpha[:, :20] = 0
    rgba = np.concatenate([colours, alpha[..., None]], axis=2)
    expected, transparent = read_picture(colours), read_picture(rgba)
    np.testing.assert_array_equal(transparent[:, 20:], expected[:, 20:])
    np.testing.assert_array_equal(transparent[:, :20], 255)
    tiff = [cv2.imencode(".tiff", a)[1].tobytes() for a in (colours[..., ::-1], rgba[..., [2, 1, 0, 3]])]
    files = [(png(40, 30, 16, 2, [row.astype(">u2").tobytes() for row in colours]), expected)]
    files += [(png(40, 30, 16, 6, [row.astype(">u2").tobytes() for row in rgba]), transparent)]
    files += [(tiff[0], expected), (tiff[1], transparent)]
    for data, same in files:
        np.testing.assert_array_equal(read_picture(data), same)
    gray = ramp[..., None]
    np.testing.assert_array_equal(read_picture(gray), read_picture(ramp))


@pytest.mark.filterwarnings("ignore:pictures of more than 8 bits")
def test_values_to_find_levels_in_are_those_of_the_file(tmp_path):
    ramp = np.linspace(0, 4000, 30 * 40).astype(np.uint16).reshape(30, 40)
    rgba = np.stack([ramp, ramp // 2, ramp // 4, np.full_like(ramp, 65535)], axis=2)
    path = tmp_path / "a"
    for data, values in (
        (png(40, 30, 16, 0, [row.astype(">u2").tobytes() for row in ramp]), ramp),
        (saved(Image.fromarray(ramp), "TIFF"), ramp),
        (saved(Image.fromarray(ramp.astype(np.float32)), "TIFF"), ramp),
        (png(40, 30, 16, 6, [row.astype(">u2").tobytes() for row in rgba]), rgba[..., :3]),
        (png(40, 30, 16, 2, [row.astype(">u2").tobytes() for row in rgba[..., :3]]), rgba[..., :3]),
        (saved(Image.fromarray((ramp >> 5).astype(np.uint8)), "PNG"), None),
        (saved(Image.fromarray((rgba[..., :3] >> 5).astype(np.uint8)), "TIFF"), None),
        (saved(Image.fromarray((rgba[..., :3] >> 5).astype(np.uint8)), "JPEG"), None),
    ):
        path.write_bytes(data)
        found = read_deep(path)
        if values is None:
            assert found is None
        else:
            assert found.shape == values.shape
            np.testing.assert_array_equal(np.sort(found.ravel()), np.sort(values.ravel()))
    path.write_bytes(saved(Image.fromarray(ramp), "TIFF"))
    assert read_deep(path, max_pixels=1200) is not None
    assert read_deep(path, max_pixels=1199) is None
    for data in (b"no picture", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"):
        path.write_bytes(data)
        with pytest.raises(MediaError, match="not a picture"):
            read_deep(path)


def test_a_jpeg_that_only_looks_whole_is_refused(rgb):
    data = saved(Image.fromarray(rgb), "JPEG")
    shell = data[: data.index(b"\xff\xda")] + b"\xff\xd9"  # header and end, but no pixels
    with pytest.raises(MediaError, match=r"damaged|not a picture"):
        read_picture(shell)


def test_a_jpeg_with_something_behind_its_end_is_a_picture(rgb):
    data = saved(Image.fromarray(rgb), "JPEG")
    np.testing.assert_array_equal(read_picture(data + b"appended"), read_picture(data))


def test_a_picture_without_pixels_is_refused():
    with pytest.raises(MediaError, match="no pixels: 0 x 5"):
        read_picture(Image.new("RGB", (0, 5)))
    assert read_picture(Image.new("RGB", (1, 1))).shape == (1, 1, 3)


def test_pillows_own_limit_is_neither_met_nor_printed(recwarn):
    """It warns from 89 and refuses from 179 million pixels, for the whole process; ours is an argument."""
    for height in (9_000, 20_000):
        with pytest.raises(MediaError, match="damaged or truncated"):
            read_picture(png(10_000, height, 8, 0, [b"\0" * 10]), max_pixels=10**9)
        with pytest.raises(MediaError, match="--max-pixels"):
            read_picture(png(10_000, height, 8, 0, [b"\0" * 10]), max_pixels=10**7)
    assert not recwarn.list


def test_too_little_memory_is_said(rgb):
    def refuse(pixels):
        raise MemoryError

    with pytest.raises(MediaError, match="needs more memory than there is"):
        read_picture(saved(Image.fromarray(rgb), "PNG"), expect=refuse)


@pytest.mark.parametrize("orientation", [0, 9, 200])
def test_orientations_that_there_are_not_are_upright(rgb, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(read_picture(saved(Image.fromarray(rgb), "PNG", exif=exif)), rgb)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_planar_arrays_get_their_remedy_whatever_they_hold(channels):
    with pytest.raises(MediaError, match=r"transpose\(1, 2, 0\)"):
        read_picture(np.zeros((channels, 40, 50), np.uint8))
    with pytest.raises(MediaError) as caught:
        read_picture(np.zeros((7, 40, 50), np.uint8))
    assert "transpose" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:pictures of more than 8 bits")
@pytest.mark.parametrize("mode", ["I", "F", "I;16", "I;16B"])
def test_deep_images_of_pillow_are_stretched(mode):
    ramp = np.linspace(2000, 4000, 30 * 40).reshape(30, 40)
    image = (
        Image.frombytes("I;16B", (40, 30), ramp.astype(">u2").tobytes())
        if mode == "I;16B"
        else (Image.fromarray(ramp.astype({"I": np.int32, "F": np.float32, "I;16": np.uint16}[mode])))
    )
    assert image.mode == mode
    found = read_picture(image)
    np.testing.assert_allclose(found[..., 0], (ramp - 2000) / 2000 * 255, atol=3)
    full = read_picture(image, levels=(0, 4000))
    np.testing.assert_allclose(full[..., 0], ramp / 4000 * 255, atol=1)


@pytest.mark.parametrize("kind", ["RGB", "L", "CMYK", "MPO"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_jpeg_with_too_many_pixels_is_read_reduced_and_upright(kind, orientation, caplog):
    """Each pixel is about the mean of the block that it stands for, and it is said."""
    rows, columns = np.mgrid[:64, :88]
    wide = np.stack([rows * 4, columns * 2, 255 - columns], axis=-1).astype(np.uint8)
    image = Image.fromarray(wide) if kind == "MPO" else Image.fromarray(wide).convert(kind)
    exif = Image.Exif()
    exif[0x0112] = orientation
    more = {"save_all": True, "append_images": [image]} if kind == "MPO" else {}
    data = saved(image, "MPO" if kind == "MPO" else "JPEG", quality=100, exif=exif, **more)
    whole = read_picture(data)
    height, width = whole.shape[:2]
    for limit, reduction in ((64 * 88, 1), (64 * 88 - 1, 2), (32 * 44, 2), (32 * 44 - 1, 4), (200, 8)):
        caplog.clear()
        picture, size, factor = read_reduced(data, max_pixels=limit)
        assert (size, factor) == ((height, width), reduction)
        assert bool(caplog.records) == (reduction > 1)
        assert picture.shape == (height // reduction, width // reduction, 3)
        blocks = (
            whole.astype(float)
            .reshape(height // reduction, reduction, width // reduction, reduction, 3)
            .mean(axis=(1, 3))
        )
        inner = slice(1, min(blocks.shape[:2]) - 1)
        np.testing.assert_allclose(picture[inner, inner], blocks[inner, inner], atol=9)
    assert "88 x 64 pixels, read at 1/8" in caplog.text
    with pytest.raises(MediaError, match=r"88 x 64 pixels, more than the limit of 20; .*--max-pixels"):
        read_reduced(data, max_pixels=20)
    with pytest.raises(MediaError, match="--max-pixels"):
        read_picture(data, max_pixels=64 * 88 - 1)


def test_what_is_no_jpeg_or_cut_off_is_not_reduced(rgb):
    with pytest.raises(MediaError, match="--max-pixels"):
        read_reduced(saved(Image.fromarray(rgb), "PNG"), max_pixels=HEIGHT * WIDTH - 1)
    with pytest.raises(MediaError, match="truncated"):
        read_reduced(saved(Image.fromarray(rgb), "JPEG")[:-200], max_pixels=HEIGHT * WIDTH // 2)
    assert read_reduced(rgb, max_pixels=1).reduction == 1


def test_sides_that_do_not_divide_are_rounded_up(rgb):
    data = saved(Image.fromarray(rgb), "JPEG")
    half = -(-HEIGHT // 2) * -(-WIDTH // 2)
    assert read_reduced(data, max_pixels=half).picture.shape == (-(-HEIGHT // 2), -(-WIDTH // 2), 3)
    assert read_reduced(data, max_pixels=half - 1).reduction == 4


def test_memory_is_asked_for_the_pixels_that_are_decoded(rgb):
    asked = []
    read_reduced(saved(Image.fromarray(rgb), "JPEG"), max_pixels=HEIGHT * WIDTH // 4, expect=asked.append)
    assert asked == [-(-HEIGHT // 2) * -(-WIDTH // 2)]
