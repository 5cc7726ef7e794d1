#!/usr/bin/env bash
# sleap-io 0.9.5, `save_jabs`: two mice of the twelve keypoints that JABS knows, under two names of their skeleton.
#
# Guess before the run: the name of a skeleton is a label; places are rounded, as JABS holds whole numbers; a nose that lies
# just left of the picture, as networks find it, is at 0 or missing.
#
# Seen: of a skeleton that is not called `Mouse` there is no mouse in the file, without a word; all of them become one
# "static object" (the last that was written). Of `Mouse` places are cut (10.75 becomes 10), and x = -1.5 becomes 65535.
#   Mouse: 2 mice in 3 frames, objects [], nose [65535.0, 5.0], ear [10.0, 21.0]
#   mouse: 0 mice in 3 frames, objects ['mouse']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet sleap-io==0.9.5
cat >expected <<'END'
Mouse: 2 mice in 3 frames, objects [], nose [65535.0, 5.0], ear [10.0, 21.0]
mouse: 0 mice in 3 frames, objects ['mouse']
END
venv/bin/python -W ignore - >seen <<'END'
import h5py
import numpy as np
import sleap_io as sio

names = (
    "NOSE LEFT_EAR RIGHT_EAR BASE_NECK LEFT_FRONT_PAW RIGHT_FRONT_PAW CENTER_SPINE LEFT_REAR_PAW RIGHT_REAR_PAW "
    "BASE_TAIL MID_TAIL TIP_TAIL"
).split()
for name in ("Mouse", "mouse"):
    skeleton = sio.Skeleton(names, name=name)
    video = sio.Video(filename="./day.mp4", open_backend=False)
    frames = []
    for frame in range(3):
        xy = np.tile([10.75, 21.25], (12, 1))
        xy[0] = -1.5, 5
        mice = [
            sio.PredictedInstance.from_numpy(xy, skeleton=skeleton, point_scores=np.ones(12), score=1, track=track)
            for track in (sio.Track("anna"), sio.Track("bert"))
        ]
        frames.append(sio.LabeledFrame(video, frame, mice))
    sio.save_jabs(sio.Labels(frames), pose_version=5, root_folder=f"./{name}")
    path = f"./{name}/day_pose_est_v5.h5"
    with h5py.File(path) as file:
        mice, objects = file["poseest/points"].shape[1], list(file.get("static_objects", {}))
    found = [instance.numpy() for frame in sio.load_jabs(path) for instance in frame.instances]
    places = f", nose {found[0][0].tolist()}, ear {found[0][1].tolist()}" if found else ""
    print(f"{name}: {mice} mice in 3 frames, objects {objects}{places}")
END
diff expected seen
echo "as described"
