// How closely to look, as looks/framing.py: what is framed, at which zoom, and who shares a look with whom. A frame is
// {box, zoom}: counted from the corner of the first pixel, and input pixels per pixel of the picture.

/**
 * What to look at so that everybody is seen about `size` input pixels large, or `closeness` times as large, wherever
 * that promises enough. `passes` are the zooms with which the whole picture was seen before.
 */
export function frame(places, [height, width], passes, size, options, closeness = 1) {
  const most = Math.max(...passes), frames = [], { margin } = options;
  const tooLarge = (options.too_large * most) / Math.min(...passes);
  for (const { box, size: own, score } of places) {
    const zoom = Math.min(size / own, options.most_zoom * most) * closeness;
    if (!(estimateGain(score, zoom / most, tooLarge) >= options.min_gain)) continue;
    const cut = (value, end) => Math.min(Math.max(value, 0), end);
    const [left, top, right, bottom] = box.map((value, i) =>
      cut(value + 0.5 + margin * own * (i < 2 ? -1 : 1), i % 2 ? height : width));
    if (right - left >= 2 && bottom - top >= 2) frames.push({ box: [left, top, right, bottom], zoom });
  }
  return frames;
}

/** OKS that a look adds: of what somebody lacks, the more the closer it is, or the smaller who was seen too large. */
export function estimateGain(score, closer, tooLarge) {
  const times = Math.max(closer, 1 / (closer * tooLarge));
  return (1 - score) * Math.max(1 - 1 / times, 0);
}

/** Input pixels that a frame takes on a canvas, with a gap of so many beside and below. */
export const measureArea = ({ box, zoom }, gap) =>
  ((box[2] - box[0]) * zoom + gap) * ((box[3] - box[1]) * zoom + gap);

/** Neighbours of about one size in one frame, wherever that takes fewer input pixels than two; in rounds. */
export function share(frames, gap, alike) {
  while (frames.length > 1) {
    const own = frames.map((one) => measureArea(one, gap));
    const best = frames.map((one, i) => {
      let partner = 0, most = -Infinity;
      frames.forEach((other, j) => {
        const apart = i === j || Math.max(one.zoom, other.zoom) > alike * Math.min(one.zoom, other.zoom);
        const saved = apart ? -Infinity : own[i] + own[j] - measureArea(join(one, other), gap);
        if (saved > most) [partner, most] = [j, saved];
      });
      return { partner, most };
    });
    const joined = new Map(), gone = new Set();
    best.forEach(({ partner, most }, i) => {
      if (best[partner].partner !== i || i >= partner || !(most > 0)) return;
      joined.set(i, join(frames[i], frames[partner]));
      gone.add(partner);
    });
    if (!joined.size) break;
    frames = frames.map((one, i) => joined.get(i) ?? one).filter((_, i) => !gone.has(i));
  }
  return frames;
}

const join = (one, other) => ({
  box: one.box.map((value, i) => (i < 2 ? Math.min : Math.max)(value, other.box[i])), zoom: Math.max(one.zoom, other.zoom),
});
