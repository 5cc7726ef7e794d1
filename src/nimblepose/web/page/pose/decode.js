// Fields to poses, as codec/decode.py: the chain of the steps.

import { rescale, toImage } from "./geometry.js";
import { assemble, matchLimbs } from "./grouping.js";
import { scoreLimbs } from "./limbs.js";
import { findPeaks, refinePeaks } from "./peaks.js";
import { score } from "./scorer.js";

/**
 * Everybody in the fields of one picture, best first.
 *
 * `model` is what model.json holds. Heatmaps are (K + 1, h, w), the last is background, pafs (2L, h, w), both flat.
 * Poses are in pixels of the picture: `keypoints` x and y of K keypoints, NaN where not found, `scores` of each, and
 * the `score` of the whole.
 */
export function decode(fields, placement, model, options = model.options) {
  return choosePeople(findPeople(fields, model, options), options).map((person) => ({
    ...person,
    keypoints: mapPoints(person.keypoints, (point) => toImage(point, placement)),
  }));
}

/** Everybody, however weakly seen, in pixels of the network's input. */
export function findPeople({ heatmaps, pafs, height, width }, model, options = model.options) {
  const { skeleton, prior, scorer } = model, kinds = skeleton.keypoints.length, stride = model.input.stride;
  const peaks = refinePeaks(findPeaks(heatmaps, kinds, height, width, options), heatmaps, height, width);
  const candidates = scoreLimbs(peaks, pafs, height, width, skeleton, options, model.paf_offset);
  const people = assemble(matchLimbs(candidates), peaks, skeleton, options.min_keypoints, prior);
  return people
    .map((person) => ({
      score: score(scorer, person),
      scores: person.heights,
      keypoints: mapPoints(person.keypoints, (point) => point.map((value) => rescale(value, stride))),
    }))
    .sort((a, b) => b.score - a.score);
}

/** Those who are kept, best first. */
export const choosePeople = (people, options) =>
  people.filter((one) => one.score >= Math.fround(options.min_pose_score)).slice(0, options.max_poses || undefined);

/** Points, flat in single precision, each [x, y] moved. */
export function mapPoints(points, move) {
  const moved = new Float32Array(points.length);
  for (let k = 0; k < points.length; k += 2) moved.set(move([points[k], points[k + 1]]), k);
  return moved;
}
