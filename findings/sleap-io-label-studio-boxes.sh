#!/usr/bin/env bash
# sleap-io 0.9.5, `save_labelstudio`: an animal whose nose is in the middle of a picture of 640 x 480, where the picture is on
# the disk and where it is not (as when only the `.slp` was sent).
#
# Guess before the run: a box around the keypoints, and places in percent of the picture, as Label Studio has them; without
# the picture an error.
#
# Seen: the box is as large as the picture in pixels, under a name that means percent: 6.4 times its width. Without the
# picture its size is said to be 100 x 100, and pixels go for percent: a nose at 320 % of the real picture.
#   with the picture: box 640 x 480 %, nose at 50.0, 50.0 %
#   without: box 100 x 100 %, nose at 320.0, 240.0 %
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet sleap-io==0.9.5 pillow==12.0.0
cat >expected <<'END'
with the picture: box 640 x 480 %, nose at 50.0, 50.0 %
without: box 100 x 100 %, nose at 320.0, 240.0 %
END
venv/bin/python -W ignore - >seen <<'END'
import json
from pathlib import Path

import numpy as np
import sleap_io as sio
from PIL import Image

Image.new("RGB", (640, 480)).save("a.png")
for told in ("with the picture", "without"):
    skeleton = sio.Skeleton(["nose", "tail"], edges=[("nose", "tail")])
    video = sio.Video.from_filename(["a.png"])
    if told == "without":
        Path("a.png").unlink()
        video = sio.Video(filename=["a.png"], open_backend=False)
    animal = sio.Instance.from_numpy(np.array([[320.0, 240.0], [np.nan, np.nan]]), skeleton=skeleton)
    sio.save_labelstudio(sio.Labels([sio.LabeledFrame(video, 0, [animal])]), "project.json")
    (task,) = json.loads(Path("project.json").read_text())
    values = [one["value"] for one in task["annotations"][0]["result"] if "value" in one]
    box, nose = values
    print(f"{told}: box {box['width']} x {box['height']} %, nose at {nose['x']}, {nose['y']} %")
END
diff expected seen
echo "as described"
