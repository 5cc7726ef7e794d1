// What the JSON file beside a model says, as the decoder of nimblepose's page takes it.

import { readFileSync } from "node:fs";

/** Throws if there is no such file, or it is not one of `nimblepose export --to`. */
export function readModel(path) {
  const told = JSON.parse(readFileSync(path, "utf8")), { decode, metadata } = told;
  const { keypoints, limbs } = metadata.skeleton, count = keypoints.length;
  const indices = limbs.map((limb) => limb.map((name) => keypoints.indexOf(name)));
  const relations = keypoints.map((_, a) => keypoints.map((_, b) => Number(a === b)));
  for (const [a, b] of indices) relations[a][b] = relations[b][a] = 1;
  const { type, ...input } = told.input;
  return {
    files: told.files,
    outputs: told.outputs.map((output) => output.name),
    input: { ...input, dtype: type },
    paf_offset: decode.paf_offset,
    options: decode,
    skeleton: { keypoints, limbs, limb_indices: indices, relations },
    prior: metadata.prior ? { ...metadata.prior, distances: measureDistances(metadata.prior, count) } : null,
    scorer: metadata.scorer ?? null,
  };
}

/** Between all keypoints, in diagonals of a pose's box: the root of the mean of the square. */
function measureDistances({ mean, covariance }, count) {
  const own = (i, j) => [0, 1].reduce(
    (sum, axis) => sum + covariance[2 * i + axis][2 * j + axis] + mean[i][axis] * mean[j][axis], 0);
  return Array.from({ length: count }, (_, i) => Array.from({ length: count }, (_, j) =>
    Math.sqrt(Math.max(own(i, i) + own(j, j) - 2 * own(i, j), 1e-6))));
}
