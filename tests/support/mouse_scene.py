"""Two videos of two mice, written by hand as each tool does: what is lost or moved on the way is seen at once.

Frame 0 has nobody; the second mouse is away in every second frame; nobody ever sees the tail; an ear is hidden, and in
one frame not labelled. Frames of both videos have the same names. Places are pixel centres.
"""

import json

import cv2
import numpy as np

KEYPOINTS = ("nose", "ear", "tail")
LIMBS = (("nose", "ear"), ("ear", "tail"))
SIZE = (48, 64)
VIDEOS = ("left", "right")
FRAMES = 6


def mice(video, frame):
    """Name -> keypoint -> x, y, visibility."""
    if frame == 0:
        return {}
    aside = 20.0 * VIDEOS.index(video) + frame
    found = {"m1": {"nose": (10.0 + aside, 20.0, 2)}}
    if frame != 3:
        found["m1"]["ear"] = (12.0 + aside, 21.0, 1)
    if frame % 2:
        found["m2"] = {"nose": (10.25 + aside, 20.5, 2), "ear": (8.5 + aside, 30.0, 2)}
    return found


def file_name(frame):
    return f"img{frame:03d}.png"


def every():
    return [(video, frame, mice(video, frame)) for video in VIDEOS for frame in range(FRAMES)]


def expected(*, hidden=1, names=True):
    """(video, frame) -> who (or nothing) -> keypoints with place, for a tool that knows hidden ones, and names."""
    return {
        (video, frame): sorted(
            (name if names else "", k, round(x, 4), round(y, 4), hidden if v == 1 else v)
            for name, points in found.items()
            for k, (x, y, v) in points.items()
        )
        for video, frame, found in every()
    }


def seen_in(labels, *, names=True):
    """The same of a set that was read."""
    order = {category.name: category.keypoints for category in labels.categories}
    return {
        (picture.video, picture.frame): sorted(
            (label.identity if names else "", k, round(float(x), 4), round(float(y), 4), int(v))
            for label in picture.labels
            for k, (x, y), v in zip(order[label.category], label.xy, label.visibility, strict=True)
            if v
        )
        for picture in labels.pictures
    }


def paint(folder, video, frame):
    """A picture whose gray tells which it is."""
    folder.mkdir(parents=True, exist_ok=True)
    value = 10 + 20 * frame + VIDEOS.index(video)
    cv2.imwrite(str(folder / file_name(frame)), np.full((*SIZE, 3), value, np.uint8))


def write_dlc(root, *, individuals=("m1", "m2"), split_index=True, unique=False):
    """A project; `unique` adds a bodypart of an individual of its own."""
    parts = dict.fromkeys(individuals, KEYPOINTS) | ({"single": ("food",)} if unique else {})
    columns = [(who, part, c) for who, listed in parts.items() for part in listed for c in "xy"]
    rows_of_head = [("scorer", ["anna"] * len(columns))]
    rows_of_head += [("individuals", [c[0] for c in columns])] if len(parts) > 1 else []
    rows_of_head += [("bodyparts", [c[1] for c in columns]), ("coords", [c[2] for c in columns])]
    root.mkdir(parents=True, exist_ok=True)
    (root / "config.yaml").write_text("Task: mouse\nscorer: anna\nskeleton:\n- [nose, ear]\n- [ear, tail]\n")
    for video in VIDEOS:
        folder = root / "labeled-data" / video
        lines = [[head, *([""] * 2 if split_index else []), *cells] for head, cells in rows_of_head]
        for frame in range(FRAMES):
            paint(folder, video, frame)
            index = ["labeled-data", video, file_name(frame)]
            found = mice(video, frame) | ({"single": {"food": (5.0, 6.0, 2)}} if unique else {})
            cells = []
            for who, part, c in columns:
                point = found.get(who, {}).get(part)
                cells.append("" if point is None else repr(point["xy".index(c)]))
            lines.append([*(index if split_index else ["\\".join(index)]), *cells])
        (folder / "CollectedData_anna.csv").write_text("".join(",".join(line) + "\n" for line in lines))
    return root


def write_coco(root, *, folders=True):
    images, annotations = [], []
    for number, (video, frame, found) in enumerate(every()):
        paint(root / "images" / video, video, frame)
        name = f"{video}/{file_name(frame)}"
        images.append(
            {"id": number, "file_name": name, "height": SIZE[0], "width": SIZE[1], "video": video, "frame": frame}
        )
        for who, points in found.items():
            flat = [v for k in KEYPOINTS for v in _corner(points.get(k))]
            annotations.append(
                {"id": len(annotations), "image_id": number, "category_id": 4, "keypoints": flat, "identity": who}
            )
    category = {"id": 4, "name": "mouse", "keypoints": list(KEYPOINTS), "skeleton": [[1, 2], [2, 3]]}
    content = {"images": images, "annotations": annotations, "categories": [category]}
    (root / "mice.json").write_text(json.dumps(content))
    return root


def _corner(point):
    return (0, 0, 0) if point is None else (point[0] + 0.5, point[1] + 0.5, point[2])


def write_cvat(root):
    """XML for images."""
    svg = "".join(
        f'<circle r="1.5" data-type="element node" data-element-id="{i}" data-node-id="{i}" data-label-name="{name}"/>'
        for i, name in enumerate(KEYPOINTS, 1)
    )
    svg = f'<line x1="1" data-type="edge" data-node-from="1" data-node-to="2"/>{svg}'.replace("<", "&lt;")
    labels = f"<label><name>mouse</name><type>skeleton</type><svg>{svg.replace('>', '&gt;')}</svg></label>"
    labels += "".join(
        f"<label><name>{name}</name><type>points</type><parent>mouse</parent></label>" for name in KEYPOINTS
    )
    text = f"<annotations><version>1.1</version><meta><task><labels>{labels}</labels></task></meta>"
    for number, (video, frame, found) in enumerate(every()):
        paint(root / "images" / video, video, frame)
        text += f'<image id="{number}" name="{video}/{file_name(frame)}" width="{SIZE[1]}" height="{SIZE[0]}">'
        for points in found.values():
            text += '<skeleton label="mouse" source="manual" z_order="0">'
            for k in KEYPOINTS:
                x, y, v = _corner(points.get(k))
                text += f'<points label="{k}" source="manual" outside="{int(v == 0)}" occluded="{int(v == 1)}" '
                text += f'points="{x:.2f},{y:.2f}"></points>'
            text += "</skeleton>"
        text += "</image>"
    (root / "annotations.xml").write_text(text + "</annotations>")
    return root


def write_label_studio(root):
    """Its JSON: points name the rectangle of their mouse as their parent."""
    tasks, scale = [], (100 / SIZE[1], 100 / SIZE[0])
    common = {"original_width": SIZE[1], "original_height": SIZE[0], "image_rotation": 0, "to_name": "img"}
    for number, (video, frame, found) in enumerate(every()):
        paint(root / "images", video, frame)
        (root / "images" / file_name(frame)).rename(root / "images" / f"0a1b2c3d-{video}_{file_name(frame)}")
        results = []
        for who, points in found.items():
            value = {"x": 10, "y": 10, "width": 50, "height": 50, "rectanglelabels": ["mouse"]}
            results.append({**common, "id": who, "type": "rectanglelabels", "value": value})
            for k, point in points.items():
                x, y, _ = _corner(point)
                value = {"x": x * scale[0], "y": y * scale[1], "width": 0.5, "keypointlabels": [k]}
                results.append({**common, "id": f"{who}{k}", "parentID": who, "type": "keypointlabels", "value": value})
        tasks.append(
            {
                "id": number,
                "data": {"img": f"/data/upload/1/0a1b2c3d-{video}_{file_name(frame)}"},
                "annotations": [{"id": number, "completed_by": 7, "was_cancelled": False, "result": results}],
            }
        )
    (root / "project.json").write_text(json.dumps(tasks))
    return root


def write_labelme(root):
    for video, frame, found in every():
        paint(root / video, video, frame)
        shapes = [
            {
                "label": k,
                "points": [list(_corner(point)[:2])],
                "group_id": list(found).index(who) + 1,
                "shape_type": "point",
                "flags": {"hidden": True} if point[2] == 1 else {},
            }
            for who, points in found.items()
            for k, point in points.items()
        ]
        content = {"version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": file_name(frame), "imageData": None}
        content |= {"imageHeight": SIZE[0], "imageWidth": SIZE[1]}
        (root / video / file_name(frame)).with_suffix(".json").write_text(json.dumps(content))
    return root


def write_yolo(root, *, layout="images/{split}", width=3):
    """`images/train` with `labels/train` as Ultralytics, or `train/images` with `train/labels` as Roboflow."""
    for video, frame, found in every():
        split = "train" if video == "left" else "val"
        folder = root / layout.format(split=split)
        paint(folder, video, frame)
        lines = []
        for points in found.values():
            flat = [_corner(points.get(k)) for k in KEYPOINTS]
            numbers = [n for x, y, v in flat for n in (x / SIZE[1], y / SIZE[0], float(v))[:width]]
            lines.append(" ".join(map(repr, (0, 0.5, 0.5, 0.25, 0.5, *numbers))))
        labels = root / layout.replace("images", "labels").format(split=split)
        labels.mkdir(parents=True, exist_ok=True)
        (labels / file_name(frame)).with_suffix(".txt").write_text("\n".join(lines))
    text = "".join(f"{split}: {layout.format(split=split)}\n" for split in ("train", "val"))
    (root / "data.yaml").write_text(
        f"path: .\n{text}names:\n  0: mouse\nkpt_shape: [3, {width}]\nkpt_names:\n  0: [nose, ear, tail]\n"
    )
    return root
