// What limbs alone cannot tell, as codec/mending.py: limbs that are too long, and parts of one person.

import { compare } from "./prior.js";

const f = Math.fround;
const TOO_LONG = 2.5, FAR_TOO_LONG = 6, ONE_PERSON = 1, OFF = 0.35, NEAR = 1.2, LARGER = 4, LEAST = f(1e-3);
const MOST_PAIRS = 12;

/** How large a pose each connection speaks for. */
export function measureLimbs(connections, peaks, skeleton, prior) {
  return connections.limb.map((limb, c) => {
    const [a, b] = skeleton.limb_indices[limb], start = connections.start[c], end = connections.end[c];
    return Math.hypot(f(peaks.x[start] - peaks.x[end]), f(peaks.y[start] - peaks.y[end])) / prior.distances[a][b];
  });
}

/** Which limbs are longer than any limb of a pose of that size. */
export function findOverlong(size, pose) {
  const of = new Map();
  size.forEach((one, i) => of.set(pose[i], [...(of.get(pose[i]) ?? []), one]));
  const most = new Map();
  for (const [key, sizes] of of) {
    sizes.sort((a, b) => a - b);
    const last = sizes.length - 1;
    most.set(key, Math.min(TOO_LONG * sizes[last >> 1], FAR_TOO_LONG * sizes[last >> 2]));
  }
  return size.map((one, i) => one > most.get(pose[i]));
}

const isThere = (pose, k) => !Number.isNaN(pose[2 * k]);

/** Poses that are parts of one person: of each the index of the first part. */
export function findParts(poses, skeleton, prior) {
  const count = poses.length, first = poses.map((_, i) => i), keypoints = skeleton.keypoints.length;
  const kinds = poses.map((pose) => [...Array(keypoints).keys()].filter((k) => isThere(pose, k)));
  let apart = kinds.map((ours) =>
    kinds.map((theirs) => ours.every((a) => theirs.every((b) => !skeleton.relations[a][b]))));
  const some = first.filter((i) => apart[i].includes(true));
  const places = some.map((i) => Float32Array.from(poses[i]));
  apart = some.map((i) => some.map((j) => apart[i][j]));
  let fresh = some.map((_, i) => i); // poses whose pairs have not been looked at
  while (fresh.some((i) => apart[i].includes(true))) {
    const pairs = choosePairs(places, apart, fresh, prior);
    if (!pairs.length) break;
    const fits = pairs.map(([i, j]) => compare(prior, places[i], places[j]));
    const order = pairs.map((_, p) => p).filter((p) => fits[p] > ONE_PERSON).sort((a, b) => fits[b] - fits[a] || a - b);
    const joined = new Map(), taken = new Set();
    for (const [one, other] of order.map((p) => pairs[p])) {
      if (taken.has(one) || taken.has(other)) continue;
      joined.set(one, other);
      taken.add(one).add(other);
    }
    fresh = [...joined.keys()].sort((a, b) => a - b);
    for (const [one, other] of joined) {
      for (let i = 0; i < count; i++) if (first[i] === some[other]) first[i] = some[one];
    }
    for (const one of fresh) {
      const other = joined.get(one);
      places[one] = places[one].map((value, i) => (Number.isNaN(value) ? places[other][i] : value));
      places[other].fill(NaN);
    }
    for (const one of fresh) apart[one] = apart[one].map((value, j) => value && apart[joined.get(one)][j]);
    const before = apart.map((row) => [...row]);
    for (const one of fresh) for (const [i, row] of apart.entries()) row[one] = before[i][one] && before[i][joined.get(one)];
    for (const other of joined.values()) {
      apart[other].fill(false);
      for (const row of apart) row[other] = false;
    }
  }
  return first;
}

/** Pairs that are about where they should be, the lower index first. */
function choosePairs(places, apart, fresh, prior) {
  const parts = places.map((pose) => measurePart(pose));
  const usual = places.map((pose) =>
    measurePart(pose.map((value, i) => (Number.isNaN(value) ? NaN : f(prior.mean[i >> 1][i % 2])))));
  const isFresh = new Set(fresh), found = [];
  const reachFactor = f(NEAR * NEAR);
  for (const i of fresh) {
    for (let j = 0; j < places.length; j++) {
      if (!apart[i][j] || (i >= j && isFresh.has(j))) continue;
      const one = parts[i], other = parts[j], way = (other.x - one.x) ** 2 + (other.y - one.y) ** 2;
      if (!(way < reachFactor * (one.extent + other.extent) ** 2)) continue;
      const sizeOne = one.extent / Math.max(usual[i].extent, LEAST), sizeOther = other.extent / Math.max(usual[j].extent, LEAST);
      const larger = Math.max(sizeOne, sizeOther), by = Math.max(larger, LEAST);
      const off = Math.hypot(
        (other.x - one.x) / by - (usual[j].x - usual[i].x), (other.y - one.y) / by - (usual[j].y - usual[i].y));
      if (off < OFF && larger < LARGER * Math.min(sizeOne, sizeOther)) found.push({ off, pair: i < j ? [i, j] : [j, i] });
    }
  }
  return found.sort((a, b) => a.off - b.off).slice(0, MOST_PAIRS).map(({ pair }) => pair);
}

/** Middle and diagonal of the box of a pose; NaN of nobody. */
function measurePart(pose) {
  let left = NaN, top = NaN, right = NaN, bottom = NaN;
  for (let k = 0; k < pose.length; k += 2) {
    if (Number.isNaN(pose[k])) continue;
    left = left <= pose[k] ? left : pose[k];
    right = right >= pose[k] ? right : pose[k];
    top = top <= pose[k + 1] ? top : pose[k + 1];
    bottom = bottom >= pose[k + 1] ? bottom : pose[k + 1];
  }
  return { x: (left + right) / 2, y: (top + bottom) / 2, extent: Math.hypot(right - left, bottom - top) };
}
