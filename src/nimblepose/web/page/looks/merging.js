// Together, as looks/merging.py: of several sightings of one person the best stays, and the others help it.

import { bound } from "./sightings.js";

const SAME = 0.4, BODY = 0.53, NEAR = 0.5, EXPECTED = 0.2, LEAST_AREA = 1, f = Math.fround;

/** Each person once, best first. */
export function merge(sightings, sigmas) {
  const ordered = [...sightings].sort((a, b) => b.score - a.score), best = ordered.map((_, i) => i);
  const boxes = ordered.map(({ whole }) => bound(whole));
  for (let one = 0; one < ordered.length; one++) {
    for (let other = one + 1; other < ordered.length; other++) {
      if (best[one] !== one || best[other] !== other || !areNear(boxes[one], boxes[other])) continue;
      if (measureLikeness(ordered[one], ordered[other], boxes[one], sigmas) > SAME) best[other] = one;
    }
  }
  const groups = ordered.map(() => []);
  best.forEach((owner, i) => groups[owner].push(ordered[i]));
  return groups.filter((group) => group.length).map(([person, ...others]) => fuse(person, others, sigmas));
}

function areNear(one, other) {
  return [0, 1].every((axis) => {
    const extent = Math.max(one[axis + 2] - one[axis], other[axis + 2] - other[axis]);
    return Math.abs((one[axis] + one[axis + 2]) / 2 - (other[axis] + other[axis + 2]) / 2) <= extent / 2;
  });
}

/** OKS over the keypoints that both have, at the size of the better one; completed poses have all. */
function measureLikeness(one, other, box, sigmas) {
  const area = Math.max(BODY * (box[2] - box[0]) * (box[3] - box[1]), LEAST_AREA);
  let sum = 0, common = 0, ours = 0, theirs = 0;
  sigmas.forEach((sigma, k) => {
    const dx = f(one.whole[2 * k] - other.whole[2 * k]), dy = f(one.whole[2 * k + 1] - other.whole[2 * k + 1]);
    ours += !Number.isNaN(one.whole[2 * k]);
    theirs += !Number.isNaN(other.whole[2 * k]);
    if (Number.isNaN(dx)) return;
    common++;
    sum += Math.exp(-(f(dx * dx) + f(dy * dy)) / (2 * area * (2 * sigma) ** 2));
  });
  return sum / Math.max(common, Math.min(ours, theirs) / 2, 1);
}

/**
 * Who stays, with what the others have seen of them: keypoints seen at about the same place at their mean, weighted by
 * peak and by the square of how closely they were seen; one that the best lacks from the others, where it is expected.
 */
function fuse(person, others, sigmas) {
  if (!others.length) return person;
  const box = bound(person.whole), area = Math.max(f(f(f(BODY) * f(box[2] - box[0])) * f(box[3] - box[1])), LEAST_AREA);
  const keypoints = new Float32Array(person.keypoints.length), whole = new Float32Array(keypoints.length);
  const scores = Float32Array.from(person.scores);
  sigmas.forEach((sigma, k) => {
    const scale = 2 * area * (2 * sigma) ** 2, lacks = Number.isNaN(person.keypoints[2 * k]);
    let total = f(person.scores[k] / f(person.grain * person.grain));
    const sums = [0, 1].map((axis) => (lacks ? 0 : person.keypoints[2 * k + axis] * total));
    for (const seen of others) {
      const dx = f(seen.keypoints[2 * k] - person.whole[2 * k]), dy = f(seen.keypoints[2 * k + 1] - person.whole[2 * k + 1]);
      if (!(Math.exp(-f(f(dx * dx) + f(dy * dy)) / scale) > (lacks ? EXPECTED : NEAR))) continue; // NaN: neither
      const weight = f(seen.scores[k] / f(seen.grain * seen.grain));
      total += weight;
      sums[0] += seen.keypoints[2 * k] * weight;
      sums[1] += seen.keypoints[2 * k + 1] * weight;
      scores[k] = Math.max(scores[k], seen.scores[k]);
    }
    for (const axis of [0, 1]) {
      keypoints[2 * k + axis] = total > 0 ? sums[axis] / total : NaN;
      whole[2 * k + axis] = total > 0 ? keypoints[2 * k + axis] : person.whole[2 * k + axis];
    }
  });
  return { ...person, keypoints, whole, scores };
}
