// Limbs to people, as codec/grouping.py: match limbs, assemble people, choose the best.

import { findOverlong, findParts, measureLimbs } from "./mending.js";

const CUTS = 3; // times that poses are taken apart and put together
const f = Math.fround;

/** Of each limb, give every peak to the best of the candidates that want it; the best first. */
export function matchLimbs(candidates) {
  const order = candidates.score.map((_, i) => i).sort((a, b) => candidates.score[b] - candidates.score[a] || a - b);
  const taken = new Set();
  return take(candidates, order.filter((c) => {
    const ends = [`${candidates.limb[c]} from ${candidates.start[c]}`, `${candidates.limb[c]} to ${candidates.end[c]}`];
    if (ends.some((end) => taken.has(end))) return false;
    ends.forEach((end) => taken.add(end));
    return true;
  }));
}

const take = (connections, order) =>
  Object.fromEntries(Object.entries(connections).map(([name, values]) => [name, order.map((c) => values[c])]));

/**
 * Join connections to people, best first: each an object of keypoints (x and y in cells, NaN where not found), heights
 * of its peaks, and the score of its limbs.
 */
export function assemble(connections, peaks, skeleton, minKeypoints, prior) {
  const kinds = peaks.kind, keypoints = skeleton.keypoints.length;
  let { poseOf, poses } = connect(connections.start, connections.end, kinds);
  if (prior) ({ poseOf, poses, connections } = cutOverlong(connections, poseOf, poses, peaks, skeleton, prior));
  const parts = Array.from({ length: poses }, () => ({ peak: new Array(keypoints).fill(-1), limbs: 0, total: 0 }));
  connections.start.forEach((start, c) => {
    if (poseOf[start] < 0 || poseOf[start] !== poseOf[connections.end[c]]) return;
    const part = parts[poseOf[start]];
    part.limbs++;
    part.total += connections.score[c];
  });
  poseOf.forEach((pose, peak) => {
    if (pose >= 0) parts[pose].peak[kinds[peak]] = peak;
  });
  const there = parts.filter((part) => part.limbs);
  if (prior && there.length > 1) {
    const first = findParts(there.map((part) => place(part, peaks)), skeleton, prior);
    first.forEach((one, other) => {
      if (one === other) return;
      there[other].peak.forEach((peak, k) => (there[one].peak[k] = Math.max(there[one].peak[k], peak)));
      there[one].total += there[other].total;
      there[one].limbs += there[other].limbs;
    });
    first.forEach((one, other) => {
      if (one !== other) there[other].peak.fill(-1);
    });
  }
  return there
    .filter((part) => part.peak.filter((peak) => peak >= 0).length >= Math.max(minKeypoints, 1))
    .map((part) => ({
      keypoints: place(part, peaks),
      heights: Float32Array.from(part.peak, (peak) => (peak < 0 ? 0 : Math.min(Math.max(peaks.score[peak], 0), 1))),
      limbScore: f(Math.sqrt(f(f(part.total) / f(Math.sqrt(f(part.limbs * skeleton.limbs.length)))))),
    }))
    .sort((a, b) => b.limbScore - a.limbScore);
}

const place = (part, peaks) =>
  Float32Array.from(part.peak.flatMap((peak) => (peak < 0 ? [NaN, NaN] : [peaks.x[peak], peaks.y[peak]])));

/** Which pose each peak belongs to, -1 where none; two poses that turn out to be one person are merged. */
function connect(start, end, kinds) {
  const poseOf = new Array(kinds.length).fill(-1), has = [], members = [];
  start.forEach((a, c) => {
    const b = end[c], one = poseOf[a], other = poseOf[b];
    if (one < 0 && other < 0) {
      poseOf[a] = poseOf[b] = has.length;
      has.push(new Set([kinds[a], kinds[b]]));
      members.push([a, b]);
    } else if (one < 0 || other < 0) {
      const [pose, peak] = other < 0 ? [one, b] : [other, a];
      if (has[pose].has(kinds[peak])) return;
      has[pose].add(kinds[peak]);
      members[pose].push(peak);
      poseOf[peak] = pose;
    } else if (one !== other && [...has[other]].every((kind) => !has[one].has(kind))) {
      for (const member of members[other]) poseOf[member] = one;
      members[one].push(...members[other]);
      has[other].forEach((kind) => has[one].add(kind));
      members[other] = [];
      has[other] = new Set();
    }
  });
  return { poseOf, poses: has.length };
}

/** The poses without limbs that are too long for them. */
function cutOverlong(connections, poseOf, poses, peaks, skeleton, prior) {
  const size = measureLimbs(connections, peaks, skeleton, prior), { start, end } = connections;
  const cut = new Array(start.length).fill(false);
  let left = start.map((_, c) => c);
  for (let round = 0; round < CUTS; round++) {
    const inner = left.filter((c) => poseOf[start[c]] === poseOf[end[c]]);
    const overlong = findOverlong(inner.map((c) => size[c]), inner.map((c) => poseOf[start[c]]));
    const gone = inner.filter((_, i) => overlong[i]);
    if (!gone.length) break;
    gone.forEach((c) => (cut[c] = true));
    const again = findLinked(poseOf, gone.map((c) => poseOf[start[c]]), start, end);
    left = start.map((_, c) => c).filter((c) => again[start[c]] && !cut[c]);
    const fresh = connect(left.map((c) => start[c]), left.map((c) => end[c]), peaks.kind);
    poseOf = poseOf.map((pose, p) => (again[p] ? (fresh.poseOf[p] < 0 ? -1 : fresh.poseOf[p] + poses) : pose));
    poses += fresh.poses;
  }
  return { poseOf, poses, connections: take(connections, start.map((_, c) => c).filter((c) => !cut[c])) };
}

/** Which peaks are of chosen poses, or of those that connections lead to from there, however many. */
function findLinked(poseOf, chosen, start, end) {
  const label = poseOf.map((pose, peak) => (pose < 0 ? `peak ${peak}` : pose)), linked = new Set(chosen);
  const refused = start.map((_, c) => [label[start[c]], label[end[c]]]).filter(([one, other]) => one !== other);
  for (let spread = true; spread; ) {
    spread = false;
    for (const [one, other] of refused) {
      if (linked.has(one) === linked.has(other)) continue;
      linked.add(one).add(other);
      spread = true;
    }
  }
  return label.map((one) => linked.has(one));
}
