// Peaks and PAFs to limbs, as codec/limbs.py: score every pair of peaks that a limb could join.

const f = Math.fround;
const CROWD = 500, GREAT_CROWD = 20000; // pairs from which on it pays to glance at each first
const MIN_GLANCE = f(0.05), MIN_SHARE = f(0.6), MIN_GREAT_SHARE = f(0.4);
const BLOCK = 16384, GREAT_BLOCK = 2 * BLOCK;
const SOME_PAF = f(0.05), OPENCV_LIMIT = 32766, TINY = f(1e-6);

/** All pairs worth being a limb: arrays of limb, start, end and score. */
export function scoreLimbs(peaks, pafs, height, width, skeleton, options, pafOffset) {
  const count = new Array(skeleton.keypoints.length).fill(0), offset = f(pafOffset);
  for (const kind of peaks.kind) count[kind]++;
  const first = [];
  count.reduce((before, one, kind) => ((first[kind] = before), before + one), 0);
  const x = Float32Array.from(peaks.x, (v) => Math.min(Math.max(v, 0), width - 1)).map((v) => v + offset);
  const y = Float32Array.from(peaks.y, (v) => Math.min(Math.max(v, 0), height - 1)).map((v) => v + offset);
  const limbs = skeleton.limb_indices, pairs = limbs.map(([a, b]) => count[a] * count[b]);
  const great = options.prune_crowds && pairs.reduce((a, b) => a + b, 0) > GREAT_CROWD;
  const longest = options.long_limb * Math.max(height, width);
  const field = new Field(pafs, height, width, x, y);
  const result = { limb: [], start: [], end: [], score: [] };
  for (const block of splitLimbs(pairs, great ? GREAT_BLOCK : BLOCK, Math.floor(OPENCV_LIMIT / (2 * height)))) {
    let lines = [];
    for (const limb of block) {
      const [a, b] = limbs[limb];
      const starts = listFrom(first[a], count[a]), ends = listFrom(first[b], count[b]);
      lines.push(...(great ? glance(field, limb, starts, ends) : listPairs(field, limb, starts, ends)));
    }
    if (options.prune_crowds && lines.length > CROWD) lines = chooseNear(field, lines);
    for (const line of lines) scoreLine(field, line, peaks.score, longest, options, result);
  }
  return result;
}

const listFrom = (start, count) => Array.from({ length: count }, (_, i) => start + i);

/** The limbs in groups of at most about `mostPairs` pairs. */
function splitLimbs(pairs, mostPairs, mostLimbs) {
  const all = pairs.map((_, limb) => limb), sum = pairs.reduce((a, b) => a + b, 0);
  if (pairs.length <= mostLimbs && sum <= mostPairs) return [all];
  const blocks = new Map();
  let total = 0;
  for (const limb of all) {
    total += pairs[limb];
    const key = Math.floor(Math.max(total - 1, 0) / mostPairs) * pairs.length + Math.floor(limb / mostLimbs);
    blocks.set(key, [...(blocks.get(key) ?? []), limb]);
  }
  return [...blocks.values()];
}

/** PAFs, and the peaks between which they are read. */
class Field {
  constructor(pafs, height, width, x, y) {
    Object.assign(this, { pafs, height, width, x, y });
  }

  line(limb, start, end) {
    const dx = f(this.x[end] - this.x[start]), dy = f(this.y[end] - this.y[start]);
    const length = Math.max(f(Math.sqrt(f(f(dx * dx) + f(dy * dy)))), TINY);
    return { limb, start, end, dx, dy, length };
  }

  /** A plane at a place, interpolated linearly; beyond its border it goes on as it is there. */
  read(channel, x, y) {
    const { pafs, height, width } = this, start = channel * height * width;
    const column = Math.floor(x), row = Math.floor(y), right = x - column, low = y - row;
    const left = Math.min(Math.max(column, 0), width - 1), next = Math.min(Math.max(column + 1, 0), width - 1);
    const upper = start + Math.min(Math.max(row, 0), height - 1) * width;
    const lower = start + Math.min(Math.max(row + 1, 0), height - 1) * width;
    const above = pafs[upper + left] + (pafs[upper + next] - pafs[upper + left]) * right;
    const below = pafs[lower + left] + (pafs[lower + next] - pafs[lower + left]) * right;
    return above + (below - above) * low;
  }

  /** The PAF along a line at a share of its length, from 0 to 1. */
  along(line, share) {
    const part = f(share), x = f(this.x[line.start] + f(line.dx * part));
    const y = Math.min(f(this.y[line.start] + f(line.dy * part)), this.height - 1);
    const value =
      this.read(2 * line.limb, x, y) * (line.dx / line.length) + this.read(2 * line.limb + 1, x, y) * (line.dy / line.length);
    return f(Math.min(Math.max(value, 0), 1));
  }
}

function listPairs(field, limb, starts, ends) {
  return starts.flatMap((start) => ends.map((end) => field.line(limb, start, end)));
}

/** The pairs of a great crowd that `chooseNear` may keep; the others are not even listed. */
function glance(field, limb, starts, ends) {
  if (!starts.length || !ends.length) return [];
  const best = new Float32Array(starts.length).fill(-Infinity), bestEnd = new Float32Array(ends.length).fill(-Infinity);
  const seen = starts.map((start, i) => {
    const row = new Float32Array(ends.length);
    ends.forEach((end, j) => {
      const x = f(field.x[start] / 2 + field.x[end] / 2), y = f(field.y[start] / 2 + field.y[end] / 2);
      const dx = f(field.x[end] / 2 - field.x[start] / 2), dy = f(field.y[end] / 2 - field.y[start] / 2);
      const length = Math.max(Math.sqrt(dx * dx + dy * dy), TINY);
      row[j] = (field.read(2 * limb, x, y) * dx + field.read(2 * limb + 1, x, y) * dy) / length;
      best[i] = Math.max(best[i], row[j]);
      bestEnd[j] = Math.max(bestEnd[j], row[j]);
    });
    return row;
  });
  const kept = [];
  starts.forEach((start, i) => {
    const least = Math.max(f(MIN_GREAT_SHARE * best[i]), MIN_GLANCE);
    ends.forEach((end, j) => {
      if (seen[i][j] > Math.max(least, f(MIN_GREAT_SHARE * bestEnd[j]))) kept.push(field.line(limb, start, end));
    });
  });
  return kept;
}

/** Which pairs of a crowd are worth a full reading. */
function chooseNear(field, lines) {
  let near = [];
  for (const line of lines) {
    const middle = field.along(line, 0.5);
    if (middle > MIN_GLANCE) near.push({ line, middle });
  }
  for (const one of near) one.seen = f(f(field.along(one.line, 0.25) + field.along(one.line, 0.75)) + one.middle);
  near = keepBest(near, ({ line }) => `${line.limb} ${line.start}`);
  return keepBest(near, ({ line }) => `${line.limb} ${line.end}`).map(({ line }) => line);
}

function keepBest(near, group) {
  const best = new Map();
  for (const one of near) best.set(group(one), Math.max(best.get(group(one)) ?? 0, one.seen));
  return near.filter((one) => one.seen > f(MIN_SHARE * best.get(group(one))));
}

function scoreLine(field, line, heights, longest, options, result) {
  const samples = options.limb_samples;
  let sum = 0, some = 0;
  for (let i = 0; i < samples; i++) {
    const value = field.along(line, i / (samples - 1));
    sum = f(sum + value);
    some += value > SOME_PAF;
  }
  const paf = f(f(sum / samples) + Math.min(f(f(longest / line.length) - 1), 0));
  const score = f(paf * Math.min(heights[line.start], heights[line.end]));
  if (score > f(options.min_limb_score) && some / samples >= options.min_limb_share) {
    result.limb.push(line.limb);
    result.start.push(line.start);
    result.end.push(line.end);
    result.score.push(score);
  }
}
