#!/usr/bin/env bash
# sleap-io 0.9.5, `load_labelstudio` without a skeleton (the default: it is taken from the file).
#
# Guess before the run: keypoints come in one order, that of the file or of the alphabet, whoever reads when.
#
# Seen: they come out of a set, so that each run of Python has its own order (PYTHONHASHSEED stands for the runs here;
# unset, it is another every time). Places go with their names; arrays, `.slp` files and networks of two runs do not fit
# each other. And x, y are what the file says, which counts from the corner: the middle of the first pixel, 0.5 in Label
# Studio, is 0.5 here, too, where sleap-io's pictures say 0.
#   more than one order: True
#   with a skeleton, more than one: False
#   the middle of the first pixel: [0.5, 0.5]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet sleap-io==0.9.5
cat >expected <<'END'
more than one order: True
with a skeleton, more than one: False
the middle of the first pixel: [0.5, 0.5]
END
cat >read.py <<'END'
import json
import sys

import sleap_io as sio

names = ["nose", "left_ear", "right_ear", "tail_base", "tail_tip"]
points = [
    {
        "id": f"p{i}", "type": "keypointlabels", "from_name": "kp", "to_name": "img", "image_rotation": 0,
        "original_width": 640, "original_height": 480,
        "value": {"x": (0.5 + i) * 100 / 640, "y": 0.5 * 100 / 480, "width": 0.3, "keypointlabels": [name]},
    }
    for i, name in enumerate(names)
]
task = {"id": 1, "data": {"img": "a.png"}, "annotations": [{"id": 1, "result": points}]}
task["meta"] = {"video": {"filename": "a.png", "frame_idx": 0, "shape": [1, 480, 640, 1]}}
with open("project.json", "w") as file:
    json.dump([task], file)
skeleton = sio.Skeleton(names) if sys.argv[1] == "named" else None
labels = sio.load_labelstudio("project.json", skeleton=skeleton)
(instance,) = labels.labeled_frames[0].instances
place = instance.numpy()[labels.skeleton.node_names.index("nose")].round(6)
print(" ".join(labels.skeleton.node_names), place.tolist(), sep="\t")
END
for seed in 1 2 3 4 5 6 7 8; do
    PYTHONHASHSEED=$seed venv/bin/python -W ignore read.py "" >>free
    PYTHONHASHSEED=$seed venv/bin/python -W ignore read.py named >>named
done
many() { [ "$(cut -f 1 "$1" | sort -u | wc -l)" -gt 1 ] && echo True || echo False; }
{
    echo "more than one order: $(many free)"
    echo "with a skeleton, more than one: $(many named)"
    echo "the middle of the first pixel: $(cut -f 2 free | sort -u)"
} >seen
diff expected seen
echo "as described"
