// Where to look, as looks/places.py: at everybody seen, however weakly, and wherever something like a keypoint belongs to
// nobody. A place is {box, size, score}: x and y of two corners, the diagonal of a person there, and the score of who was
// seen, 0 of traces.

import { bound } from "./sightings.js";

const BLUR = 1, LEAST_SIZE = 4;

/** Around the poses of a score from `minScore` on, with what is not seen of them where it is expected. */
export const findPlaces = (sightings, minScore) =>
  sightings
    .filter(({ score }) => score >= Math.fround(minScore))
    .map(({ whole, score }) => {
      const box = bound(whole);
      return { box, size: Math.max(Math.hypot(box[2] - box[0], box[3] - box[1]), LEAST_SIZE), score };
    });

/**
 * Where the heatmaps of keypoints are high and nobody is known, in cells: people too small, or cut off, to make a pose.
 * `known` are boxes of people in cells; `size` is that of whoever is there.
 */
export function findTraces({ heatmaps, height, width }, kinds, known, minHeight, size) {
  const high = new Uint8Array(height * width), least = Math.fround(minHeight);
  for (let i = 0; i < kinds * height * width; i++) if (heatmaps[i] > least) high[i % (height * width)] = 1;
  const cut = (value, most) => Math.min(Math.max(value, 0), most);
  for (const [left, top, right, bottom] of known) {
    const from = cut(Math.floor(left) - BLUR, width), to = cut(Math.ceil(right) + BLUR + 1, width);
    const last = cut(Math.ceil(bottom) + BLUR + 1, height);
    for (let y = cut(Math.floor(top) - BLUR, height); y < last; y++) high.fill(0, y * width + from, y * width + Math.max(from, to));
  }
  return boundComponents(dilate(high, height, width), height, width).map((box) => {
    const middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
    const half = [Math.max(box[2] - box[0] + 1, size) / 2, Math.max(box[3] - box[1] + 1, size) / 2];
    return { box: [0, 1, 2, 3].map((i) => middle[i % 2] + (i < 2 ? -1 : 1) * half[i % 2]), size, score: 0 };
  });
}

function dilate(high, height, width) {
  const wider = new Uint8Array(high.length);
  high.forEach((value, i) => {
    if (value) for (const [x, y] of listAround(i, height, width)) wider[y * width + x] = 1;
  });
  return wider;
}

function listAround(i, height, width) {
  const x = i % width, y = Math.floor(i / width), around = [];
  for (let row = Math.max(y - 1, 0); row <= Math.min(y + 1, height - 1); row++) {
    for (let column = Math.max(x - 1, 0); column <= Math.min(x + 1, width - 1); column++) around.push([column, row]);
  }
  return around;
}

/** Boxes of what hangs together, whole cells inside; in the order in which OpenCV comes upon them, by blocks of 2 x 2. */
function boundComponents(high, height, width) {
  const seen = new Uint8Array(high.length), found = [];
  high.forEach((value, start) => {
    if (!value || seen[start]) return;
    const box = [width, height, -1, -1], waiting = [start];
    let first = Infinity;
    seen[start] = 1;
    while (waiting.length) {
      const i = waiting.pop(), x = i % width, y = Math.floor(i / width);
      first = Math.min(first, (y >> 1) * width + (x >> 1));
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x);
      box[3] = Math.max(box[3], y);
      for (const [column, row] of listAround(i, height, width)) {
        const next = row * width + column;
        if (!high[next] || seen[next]) continue;
        seen[next] = 1;
        waiting.push(next);
      }
    }
    found.push({ first, box });
  });
  return found.sort((a, b) => a.first - b.first).map(({ box }) => box);
}
