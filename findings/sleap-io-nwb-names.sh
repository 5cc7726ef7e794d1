#!/usr/bin/env bash
# sleap-io 0.9.5: predictions of two tracked animals to NWB and back, by itself.
#
# Guess before the run: tracks come back with their names, in their order; NWB has a container of that name for each.
#
# Seen: containers are called `track=` and the name, and reading takes `track` and a number for tracks: nobody has a track
# any more, whatever the names were, and animals come in the order of the alphabet.
#   track0 at 0, track1 at 100: nobody at 0, nobody at 100
#   mouse1 at 0, mouse2 at 100: nobody at 0, nobody at 100
#   zoe at 0, anna at 100: nobody at 100, nobody at 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet sleap-io==0.9.5 pynwb==4.2.0 ndx-pose==0.4.0
cat >expected <<'END'
track0 at 0, track1 at 100: nobody at 0, nobody at 100
mouse1 at 0, mouse2 at 100: nobody at 0, nobody at 100
zoe at 0, anna at 100: nobody at 100, nobody at 0
END
venv/bin/python -W ignore - >seen <<'END'
import numpy as np
import sleap_io as sio


def go_round(names):
    skeleton = sio.Skeleton(["nose", "tail"], edges=[("nose", "tail")], name="mouse")
    tracks = [sio.Track(name) for name in names]
    video = sio.Video(filename="./day.mp4", open_backend=False)
    frames = []
    for frame in range(4):
        animals = [
            sio.PredictedInstance.from_numpy(
                np.full((2, 2), 100.0 * k), skeleton=skeleton, point_scores=np.ones(2), score=1, track=track
            )
            for k, track in enumerate(tracks)
        ]
        frames.append(sio.LabeledFrame(video, frame, animals))
    sio.save_nwb(sio.Labels(frames), f"{names[0]}.nwb")
    read = sio.load_nwb(f"{names[0]}.nwb").labeled_frames[2]
    return [(one.track.name if one.track else "nobody", one.numpy()[0, 0]) for one in read.instances]


def tell(animals):
    return ", ".join(f"{name} at {x:.0f}" for name, x in animals)


for names in (("track0", "track1"), ("mouse1", "mouse2"), ("zoe", "anna")):
    print(f"{tell(zip(names, (0, 100), strict=True))}: {tell(go_round(names))}")
END
diff expected seen
echo "as described"
