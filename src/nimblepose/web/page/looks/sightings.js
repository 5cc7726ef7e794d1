// What passes and looks have seen, as looks/sightings.py, before anybody says who of it is one person. A sighting is
// {keypoints, whole, scores, score, grain}: `whole` has those not found where they are expected, `grain` is pixels of a
// cell: how coarsely it was seen.

import { mapPoints } from "../pose/decode.js";
import { complete } from "../pose/prior.js";

/** What one pass or look has seen; `move` brings its pixels to those of the picture. */
export const note = (people, prior, grain, move) =>
  people.map(({ keypoints, scores, score }) => ({
    keypoints: mapPoints(keypoints, move), whole: mapPoints(prior ? complete(prior, keypoints) : keypoints, move),
    scores, score, grain: Math.fround(grain),
  }));

/** The smallest box around points, x and y of two corners; NaN are left out. */
export function bound(points) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let k = 0; k < points.length; k++) {
    if (Number.isNaN(points[k])) continue;
    box[k % 2] = Math.min(box[k % 2], points[k]);
    box[2 + (k % 2)] = Math.max(box[2 + (k % 2)], points[k]);
  }
  return box;
}
