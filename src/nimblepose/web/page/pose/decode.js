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
export function decode({ heatmaps, pafs, height, width }, placement, model, options = model.options) {
  const { skeleton, prior, scorer } = model, kinds = skeleton.keypoints.length, stride = model.input.stride;
  const peaks = refinePeaks(findPeaks(heatmaps, kinds, height, width, options), heatmaps, height, width);
  const candidates = scoreLimbs(peaks, pafs, height, width, skeleton, options, model.paf_offset);
  const people = assemble(matchLimbs(candidates), peaks, skeleton, options.min_keypoints, prior);
  return people
    .map((person) => ({ person, score: score(scorer, person) }))
    .sort((a, b) => b.score - a.score)
    .filter((one) => one.score >= Math.fround(options.min_pose_score))
    .slice(0, options.max_poses || undefined)
    .map(({ person, score: worth }) => ({
      score: worth,
      scores: person.heights,
      keypoints: bringBack(person.keypoints, stride, placement),
    }));
}

function bringBack(cells, stride, placement) {
  const keypoints = new Float32Array(cells.length);
  for (let k = 0; k < cells.length; k += 2) {
    const inInput = [Math.fround(rescale(cells[k], stride)), Math.fround(rescale(cells[k + 1], stride))];
    keypoints.set(toImage(inInput, placement), k);
  }
  return keypoints;
}
