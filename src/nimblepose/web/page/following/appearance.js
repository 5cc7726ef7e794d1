// What people look like, as tracking/appearance.py: the colours along their limbs.

import { roundHalfEven } from "../pose/geometry.js";

const PLACES = [0.2, 0.35, 0.5, 0.65, 0.8].map(Math.fround), f = Math.fround;

/** The same people with `colours` (L, 3), flat, looked up in the picture, RGBA; NaN of limbs without both ends. */
export function addColours(people, { data, width, height }, skeleton) {
  return people.map((person) => {
    const { keypoints } = person, colours = new Float32Array(3 * skeleton.limbs.length).fill(NaN);
    skeleton.limb_indices.forEach(([a, b], limb) => {
      const start = keypoints.slice(2 * a, 2 * a + 2), way = keypoints.slice(2 * b, 2 * b + 2).map((v, i) => v - start[i]);
      if (Number.isNaN(way[0])) return;
      const sums = [0, 0, 0];
      for (const place of PLACES) {
        const [x, y] = [width, height].map((side, axis) =>
          Math.min(Math.max(roundHalfEven(f(start[axis] + f(way[axis] * place))), 0), side - 1));
        sums.forEach((_, i) => (sums[i] += data[4 * (y * width + x) + i]));
      }
      colours.set(sums.map((value) => value / PLACES.length), 3 * limb);
    });
    return { ...person, colours };
  });
}
