"""What `benchmarks/close_looks.py` teaches, and that it does."""

import csv
import dataclasses
import sys
from pathlib import Path

import drawn_bodies
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from nimblepose import HUMAN_18
from nimblepose.codec.encode import EncodeOptions, encode_heatmaps, encode_pafs
from nimblepose.core.errors import DataError, TrainingError
from nimblepose.core.geometry import rescale
from nimblepose.core.metadata import ModelMetadata
from nimblepose.data.coco import load_records
from nimblepose.model.checkpoint import load_checkpoint, save_checkpoint
from nimblepose.model.folding import find_normalised_convolutions, fold_batch_norm
from nimblepose.model.mixing import mix_checkpoints
from nimblepose.model.network import FieldTensors, NetworkOptions, build_network

CPU = torch.device("cpu")
GEOMETRIES = ("corner", "centre")


@pytest.fixture(scope="module", autouse=True)
def _benchmarks():
    """The folder of the scripts, and one thread: networks this small are not faster on several."""
    folder = str(Path(__file__).resolve().parents[1] / "benchmarks")
    sys.path.insert(0, folder)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
    sys.path.remove(folder)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = drawn_bodies.write_set(tmp_path_factory.mktemp("bodies") / "set", 12, seed=1)
    return load_records([folder / "bodies.json"], [folder / "images"], drawn_bodies.BODY)


@pytest.fixture(scope="module")
def held(records):
    from look_samples import hold_pictures

    return hold_pictures(records, CPU, threads=2)


@pytest.fixture(scope="module")
def regimes():
    """Small ones of both kinds."""
    from look_samples import Regime

    return {
        "look": Regime(
            size=128, diagonal=(60, 120), shift=0.1, rotation=12, views=(0.75, 1, 1.25), cut=0.5, weight=1, count=6
        ),
        "first": Regime(size=64, diagonal=(30, 60), shift=0.1, rotation=8, views=(2, 3), cut=0, weight=1.5, count=6),
    }


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A checkpoint whose norms have statistics and gains of their own."""
    network = build_network(NetworkOptions(width=0.1, channels=16, initial_head_channels=16), drawn_bodies.BODY, seed=0)
    generator = torch.Generator().manual_seed(1)
    for _, _, _, norm in find_normalised_convolutions(network):
        for values, low in ((norm.weight.data, 0.7), (norm.running_var, 0.5), (norm.running_mean, -0.1)):
            values.copy_(low + torch.rand(len(values), generator=generator) * abs(low))
    path = tmp_path_factory.mktemp("start") / "start.safetensors"
    save_checkpoint(network.eval(), drawn_bodies.METADATA, path)
    return path


def somebody(side, *, seed=0, margin=40):
    """Keypoints (1, 18, 2) inside an input."""
    return torch.from_numpy(np.random.default_rng(seed).uniform(margin, side - margin, (1, 18, 2)))


def as_seen(xy, side, scale, geometry, *, mirrored):
    """Drawn fields of somebody in a view."""
    large = round(side * scale)
    xy = rescale(xy, scale)
    if mirrored:
        xy = torch.stack([large - 1 - xy[..., 0], xy[..., 1]], dim=-1)[:, HUMAN_18.flip_permutation.tolist()]
    cells, aside = (large // 8, large // 8), 3.5 if geometry == "corner" else 0.0
    # Those of "corner" are cut at their far side, in a mirror at the other: stripes are drawn whole, where it has them.
    pafs = encode_pafs(xy[None] + aside, cells, HUMAN_18, EncodeOptions(paf_geometry="centre"))
    return FieldTensors(encode_heatmaps(xy[None], cells).float(), pafs.float())


def find_middle(field):
    """Where the values of fields (C, h, w) are, in cells: (C, 2) x, y."""
    weight = field**2
    rows, columns = (torch.arange(n, dtype=torch.float32) for n in field.shape[1:])
    total = weight.sum((1, 2))
    return torch.stack([(weight.sum(1) * columns).sum(1) / total, (weight.sum(2) * rows).sum(1) / total], dim=-1)


# Fields --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.5, 1.1, 2.5])
def test_spread_peaks_keep_their_height_and_are_as_wide_as_said(sigma):
    from look_targets import spread_max

    y, x = torch.meshgrid(torch.arange(41.0), torch.arange(33.0), indexing="ij")
    distance = ((x - 16) ** 2 + (y - 20) ** 2)[None, None]
    heights = torch.tensor([0.3, 0.9])[:, None, None, None]
    spread = spread_max(heights * torch.exp(-distance / 2 / 1.5**2), sigma)
    torch.testing.assert_close(spread.amax((1, 2, 3)), heights.flatten())
    wanted = heights * torch.exp(-distance / 2 / (1.5**2 + sigma**2))
    assert (spread <= wanted + 1e-6).all()
    assert (spread > wanted - 0.12 * heights)[wanted > 0.2 * heights].all(), "the maximum between cells is missed"
    flat = torch.full((1, 1, 5, 5), 0.05)
    assert torch.equal(spread_max(flat, sigma), flat), "noise is no peak"


def test_stripes_get_a_cell_wider_and_the_longest_vector_wins():
    from look_targets import take_strongest

    pafs = torch.zeros(1, 2, 6, 8)
    pafs[0, :, 2, 3], pafs[0, :, 2, 5] = torch.tensor([0.6, -0.8]), torch.tensor([0.3, 0.4])
    wide = take_strongest(pafs)[0]
    assert (wide[0, 1:4, 2:5] == 0.6).all()
    assert (wide[1, 1:4, 2:5] == -0.8).all()
    assert (wide[1, 1:4, 5:7] == 0.4).all()
    assert wide.count_nonzero() == 2 * 15


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("scale", [0.75, 1, 1.25, 1.5, 2, 3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_fields_of_a_view_lie_where_those_of_the_plain_view_lie(geometry, scale, mirrored):
    from look_targets import bring_back

    side, metadata = 256, ModelMetadata(skeleton=HUMAN_18, paf_geometry=geometry)
    off, away = [], []
    for seed in range(8):
        xy = somebody(side, seed=seed)
        plain = as_seen(xy, side, 1, geometry, mirrored=False)
        seen = as_seen(xy, side, scale, geometry, mirrored=mirrored)
        back = bring_back(seen, side // 8, mirrored=mirrored, metadata=metadata)
        assert [field.shape for field in back] == [field.shape for field in plain]
        ours, theirs = back.heatmaps[0, :-1], plain.heatmaps[0, :-1]
        assert (find_middle(ours) - find_middle(theirs)).abs().max() < 0.15, "in cells"
        assert (ours.amax((1, 2)) - theirs.amax((1, 2))).abs().max() < 0.3, "a peak between cells would be lower still"
        assert (ours - theirs).abs().mean() < (0.0015 if scale >= 1 else 0.005), "as wide"
        lengths = [field[0].reshape(-1, 2, *field.shape[2:]).norm(dim=1) for field in (back.pafs, plain.pafs)]
        off.append(find_middle(lengths[0]) - find_middle(lengths[1]))
        both = (lengths[0] > 0.5) & (lengths[1] > 0.5)
        products = (back.pafs * plain.pafs)[0].reshape(-1, 2, *both.shape[1:]).sum(1) / lengths[0] / lengths[1]
        away.append(products[both])
    assert torch.cat(off).mean(0).abs().max() < 0.15, "half a cell would be 0.5"
    assert torch.cat(away).min() > 0.9, "they point where they did"


def test_labels_lead_near_people_and_the_teacher_has_half_a_say_elsewhere():
    from look_targets import mix

    def fields(height):
        return FieldTensors(torch.full((3, 4, 20, 20), height), torch.full((3, 4, 20, 20), height))

    drawn, soft = fields(0.0), fields(0.4)
    drawn.heatmaps[:, 0, 3, 3] = 1
    partial, alone = torch.tensor([0.0, 1, 0]), torch.tensor([0.0, 0, 1])
    heatmaps, pafs = mix(drawn, soft, partial, alone, 0.75)
    torch.testing.assert_close(pafs[:, 0, 3, 3], torch.tensor([0.1, 0.1, 0.4]))
    torch.testing.assert_close(pafs[:, 0, 15, 15], torch.tensor([0.2, 0.4, 0.4]))
    torch.testing.assert_close(heatmaps[:, -1], 1 - heatmaps[:, :-1].amax(1))


# Samples -------------------------------------------------------------------------------------------------------------


def find_dots(pictures):
    """Middles (B, 3, 2) of what is bright red, green, blue in (B, 3, H, W)."""
    middles = []
    for picture in pictures.float():
        weight = (picture - 150).clamp(min=0) / 100
        weight = weight * (picture != 128)
        rows, columns = (torch.arange(n, dtype=torch.float32) for n in picture.shape[1:])
        total = weight.sum((1, 2))
        middles.append(
            torch.stack([(weight.sum(1) * columns).sum(1) / total, (weight.sum(2) * rows).sum(1) / total], dim=-1)
        )
    return torch.stack(middles)


@pytest.mark.parametrize(("name", "scale"), [("look", 1), ("look", 0.75), ("look", 1.25), ("first", 1), ("first", 3)])
@pytest.mark.parametrize("mirrored", [False, True])
def test_what_is_seen_is_where_the_labels_say(held, regimes, name, scale, mirrored):
    from look_samples import draw_looks, place_labels, see

    regime = dataclasses.replace(regimes[name], count=32, cut=0)
    looks = draw_looks(held, regime, np.random.default_rng(2))
    side = round(regime.size * scale)
    dots = find_dots(see(held, looks, regime.size, side, mirrored=mirrored))
    xy = rescale(place_labels(held, looks, (0, 1, 2))[:, 0], scale)
    if mirrored:
        xy = torch.stack([side - 1 - xy[..., 0], xy[..., 1]], dim=-1)
    whole = ((xy > 9 * scale) & (xy < side - 9 * scale)).all(-1).all(-1)
    assert whole.sum() > 8
    assert (dots - xy)[whole].abs().max() < 0.75 * max(1, scale)  # dots at a border lose a side


def test_looks_are_as_large_as_their_regime_says_and_half_of_them_cut(held, regimes):
    from look_samples import draw_looks

    regime = dataclasses.replace(regimes["look"], count=400)
    looks = draw_looks(held, regime, np.random.default_rng(0))
    diagonals = looks.factors * np.hypot(100, 30)
    assert diagonals.min() >= 60
    assert diagonals.max() <= 120
    assert diagonals.max() > 1.8 * diagonals.min()
    assert 0.4 < looks.mirrored.mean() < 0.6
    small = dataclasses.replace(held, boxes=np.full_like(held.boxes, 1) * (56, 27, 16, 10))
    low, high = draw_looks(small, regime, np.random.default_rng(0)).bounds.swapaxes(0, 1)
    cut = (low > -0.5).all(axis=1) & (high < (127.5, 63.5)).all(axis=1)
    assert 0.4 < cut.mean() < 0.6
    assert (low[~cut] == -0.5).all()
    assert (high[~cut] == (127.5, 63.5)).all()
    assert (low <= (55.5, 26.5)).all(), "nobody's box is cut"
    assert (high >= (71.5, 36.5)).all()


def test_beyond_its_border_a_look_shows_nothing_and_no_labels(held, regimes):
    from look_samples import draw_looks, place_labels, see

    looks = draw_looks(held, dataclasses.replace(regimes["look"], count=40), np.random.default_rng(0))
    bounds = looks.bounds.copy()
    bounds[:, 1, 0] = 88  # between the second dot and the third
    shut = looks._replace(bounds=bounds)
    gone = torch.isnan(place_labels(held, shut, (0, 1, 2))[:, 0, :, 0])
    assert gone[:, 2].all()
    assert gone[:, :2].float().mean() < 0.2
    assert (see(held, shut, 128, 128)[:, 2] < 140).all(), "beyond it all is gray: no blue"


def test_left_and_right_swap_their_names_in_mirrored_looks(held, regimes):
    from look_samples import draw_looks, place_labels

    looks = draw_looks(held, dataclasses.replace(regimes["look"], cut=0), np.random.default_rng(0))
    plain, swapped = (place_labels(held, looks, order) for order in ((0, 1, 2), (2, 1, 0)))
    for mirrored, one, other in zip(looks.mirrored, plain, swapped, strict=True):
        torch.testing.assert_close(other, one.flip(1) if mirrored else one, equal_nan=True)


def test_the_loss_does_not_count_where_somebody_is_not_labelled(records, regimes):
    from look_samples import draw_looks, hold_pictures, mask_loss

    from nimblepose.data.regions import Region

    crowd = Region.read({"bbox": [64, 0, 64, 64]}, (64, 128))
    held = hold_pictures([dataclasses.replace(record, ignore=(crowd,)) for record in records], CPU, threads=1)
    looks = draw_looks(held, regimes["look"], np.random.default_rng(0))
    masks = mask_loss(held, looks, (16, 16), 8)
    for mask, matrix in zip(masks, looks.matrices, strict=True):
        inverse = np.linalg.inv(matrix)
        for row in range(16):
            for column in range(16):
                x, y, _ = inverse @ [8 * column + 3.5, 8 * row + 3.5, 1]
                edge = min(abs(x - 63.5), abs(x - 127.5), abs(y + 0.5), abs(y - 63.5)) < 1
                assert edge or mask[row, column] == (not (63.5 < x < 127.5 and -0.5 < y < 63.5))


def test_pictures_without_anybody_to_look_at_are_refused(records):
    from look_samples import hold_pictures

    people = records[0].people
    nobody = dataclasses.replace(people, keypoints=np.zeros_like(people.keypoints))
    with pytest.raises(DataError, match="nobody in 1 pictures has 3 labelled keypoints"):
        hold_pictures([dataclasses.replace(records[0], people=nobody)], CPU, threads=1)


def test_a_teacher_that_sees_dots_agrees_with_the_labels(held, regimes):
    from look_batches import make_batch

    def look(images):
        """Heatmaps are the mean colours of cells, as `drawn_bodies.network` has them."""
        colours = torch.nn.functional.avg_pool2d(images, 8)
        return FieldTensors(
            torch.cat([colours, 1 - colours.amax(1, keepdim=True)], 1), colours.repeat(1, 2, 1, 1)[:, :4]
        )

    for name, regime in regimes.items():
        regime = dataclasses.replace(regime, cut=0, count=24)
        batch = make_batch(held, regime, look, drawn_bodies.METADATA, np.random.default_rng(4))
        assert batch.images.shape == (24, 3, regime.size, regime.size)
        assert 0 < batch.alone.sum() < 12
        distances = []
        labelled = (fields.heatmaps[batch.alone == 0] for fields in (batch.labels, batch.soft))
        for labels, soft in zip(*labelled, strict=True):
            for drawn, seen in zip(labels[:3], soft[:3], strict=True):
                if drawn.max() > 0.9:
                    places = [np.unravel_index(int(field.argmax()), field.shape) for field in (drawn, seen)]
                    distances.append(np.hypot(*np.subtract(*places)))
        assert len(distances) > 20
        assert np.mean(np.array(distances) <= 1) > 0.95, name


# Training ------------------------------------------------------------------------------------------------------------


def test_norms_are_put_back_so_that_means_of_checkpoints_are_means_of_folded_weights(start, tmp_path):
    from close_looks import put_norms_back

    network, metadata = load_checkpoint(start)
    folded = fold_batch_norm(network)
    generator = torch.Generator().manual_seed(2)
    states = folded.state_dict()
    moved = {key: value + 0.05 * torch.randn(value.shape, generator=generator) for key, value in states.items()}
    back = put_norms_back(moved, network)
    for key, tensor in fold_batch_norm(back).state_dict().items():
        torch.testing.assert_close(tensor, moved[key], atol=1e-5, rtol=1e-4)
    save_checkpoint(back, metadata, tmp_path / "moved.safetensors")
    mean = fold_batch_norm(mix_checkpoints([start, tmp_path / "moved.safetensors"], [0.3, 0.7])[0]).state_dict()
    for key, tensor in states.items():
        torch.testing.assert_close(mean[key], 0.3 * tensor + 0.7 * moved[key], atol=1e-5, rtol=1e-4)

    next(norm for *_, norm in find_normalised_convolutions(network)).weight.data[0] = 0
    with pytest.raises(TrainingError, match=r"model\.0\.0: the norm behind it has channels of gain 0"):
        put_norms_back(moved, network)


def test_the_loss_falls_and_a_resumed_run_ends_as_if_nothing_had_happened(start, held, regimes, tmp_path):
    from close_looks import Options, train

    half = {
        name: dataclasses.replace(one, size=one.size // 2, diagonal=tuple(length / 2 for length in one.diagonal))
        for name, one in regimes.items()
    }
    options = Options(labels=1.0, rate=0.05, steps=50, save_every=35)
    train(start, held, tmp_path / "a", options, device=CPU, regimes=half)
    with (tmp_path / "a" / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["1", "2", "3", "50"]
    terms = [name for name in rows[0] if "stage" in name]
    assert len(terms) == 8
    first, last = ({name: float(row[name]) for name in terms} for row in (rows[0], rows[-1]))
    assert all(last[name] < first[name] for name in terms)
    assert sum(last.values()) < 0.85 * sum(first.values())

    files = {path.name: path.read_bytes() for path in (tmp_path / "a").glob("*.safetensors")}
    assert sorted(files) == ["last.safetensors", "third.safetensors", "two_thirds.safetensors"]
    train(start, held, tmp_path / "a", options, device=CPU, regimes=half, resume=True)  # from step 35
    for name, content in files.items():
        assert (tmp_path / "a" / name).read_bytes() == content
    with (tmp_path / "a" / "log.csv").open() as file:
        again = list(csv.DictReader(file))
    assert [{**row, "seconds": ""} for row in again] == [{**row, "seconds": ""} for row in rows]

    last, metadata = load_checkpoint(tmp_path / "a" / "last.safetensors")
    assert metadata.origin.startswith("trained by close looks from: ")
    before, after = fold_batch_norm(load_checkpoint(start)[0]).state_dict(), fold_batch_norm(last).state_dict()
    moved = {key for key in before if not torch.allclose(before[key], after[key], atol=1e-5)}
    assert not any(key.startswith(("model.0.", "model.1.")) for key in moved), "they are frozen"
    assert {"model.2.0.weight", "cpm.conv.0.weight", "refinement_stages.0.pafs.1.0.bias"} <= moved


def test_the_rate_warms_up_and_falls_to_almost_nothing():
    from close_looks import compute_factor

    assert compute_factor(0, 0) == pytest.approx(1 / 150)
    assert compute_factor(300, 0.5) == pytest.approx(0.5025)
    assert compute_factor(600, 1) == pytest.approx(0.005)


def test_the_command_reads_several_sets_and_needs_a_folder_for_each(start, tmp_path, monkeypatch, capsys):
    import close_looks

    sets = [drawn_bodies.write_set(tmp_path / name, 3, seed=seed) for seed, name in enumerate("ab")]
    annotations, images = ([str(folder / name) for folder in sets] for name in ("bodies.json", "images"))
    command = ["close_looks.py", str(start), "--out", str(tmp_path / "run"), "--device", "cpu", "--steps", "1"]
    command += ["--look", "2", "--first", "2", "--annotations", *annotations, "--images"]
    monkeypatch.setattr(sys, "argv", [*command, *images])
    close_looks.main()
    assert "6 pictures, 6 people to look at\nstep 1, " in capsys.readouterr().out
    assert (tmp_path / "run" / "last.safetensors").exists()
    monkeypatch.setattr(sys, "argv", [*command, images[0]])
    with pytest.raises(DataError, match="2 annotation files but 1 picture folders"):
        close_looks.main()
