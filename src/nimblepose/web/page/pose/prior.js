// What poses look like, as core/prior.py: are two parts likelier one person than two?
// A pose is a Float32Array of x and y of K keypoints, NaN where not found.

const ANYWHERE = 0.5, EXACT = 5e-4, UNKNOWN = 1e6, f = Math.fround;

/** Middle and size of the keypoints that are there. */
export function measureFrame(pose) {
  let sumX = 0, sumY = 0, count = 0, left = Infinity, top = Infinity, right = -Infinity, bottom = -Infinity;
  for (let k = 0; k < pose.length; k += 2) {
    if (Number.isNaN(pose[k])) continue;
    sumX += pose[k];
    sumY += pose[k + 1];
    count++;
    left = Math.min(left, pose[k]);
    right = Math.max(right, pose[k]);
    top = Math.min(top, pose[k + 1]);
    bottom = Math.max(bottom, pose[k + 1]);
  }
  return { middle: [sumX / count, sumY / count], size: Math.max(Math.hypot(right - left, bottom - top), 1e-3) };
}

/** A pose with every keypoint: those not found where they are expected, given those that were found. */
export function complete(prior, pose) {
  if (!pose.some(Number.isNaN)) return pose;
  const { middle, size } = measureFrame(pose), count = pose.length;
  const known = Array.from(pose, (value) => !Number.isNaN(value));
  const off = Array.from(pose, (value, i) => (known[i] ? (value - middle[i % 2]) / size - prior.mean[i >> 1][i % 2] : 0));
  const spread = (a, b) => prior.covariance[a][b] + (a % 2 === b % 2 ? ANYWHERE : 0);
  const noisy = Array.from({ length: count }, (_, a) =>
    Array.from({ length: a + 1 }, (_, b) => spread(a, b) + (a === b ? (known[a] ? EXACT : UNKNOWN) : 0)));
  const weights = solve(noisy, off);
  return Float32Array.from(pose, (value, i) => {
    if (known[i]) return value;
    let expected = prior.mean[i >> 1][i % 2];
    for (let j = 0; j < count; j++) expected += spread(i, j) * weights[j];
    return f(expected * size + middle[i % 2]);
  });
}

/** What a symmetric positive matrix, of which the lower triangle is given and used up, makes `right`; by Cholesky. */
function solve(lower, right) {
  const x = Float64Array.from(right), count = x.length;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) {
      let value = lower[i][j];
      for (let k = 0; k < j; k++) value -= lower[i][k] * lower[j][k];
      lower[i][j] = j < i ? value / lower[j][j] : Math.sqrt(value);
    }
    for (let k = 0; k < i; k++) x[i] -= lower[i][k] * x[k];
    x[i] /= lower[i][i];
  }
  for (let i = count - 1; i >= 0; i--) {
    for (let k = i + 1; k < count; k++) x[i] -= lower[k][i] * x[k];
    x[i] /= lower[i][i];
  }
  return x;
}

/** Logarithm of the ratio of the densities of two parts as one pose and as two; above 0: likelier one. */
export function compare(prior, one, other) {
  const both = one.map((value, i) => (Number.isNaN(value) ? other[i] : value)), { middle, size } = measureFrame(both);
  const list = (pose) => [...pose.keys()].filter((i) => !Number.isNaN(pose[i]));
  const off = (i) => (both[i] - middle[i % 2]) / size - prior.mean[i >> 1][i % 2];
  const ours = list(one), theirs = list(other);
  const given = measureDensities(prior, [...ours, ...theirs], off), alone = measureDensities(prior, theirs, off);
  return sum(given.slice(ours.length)) - sum(alone);
}

const sum = (values) => values.reduce((a, b) => a + b, 0);

/** Of each coordinate given those before it, without the constant factor. */
function measureDensities(prior, coordinates, off) {
  const count = coordinates.length, lower = [], densities = [];
  const white = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const row = new Float64Array(i + 1), a = coordinates[i];
    for (let j = 0; j <= i; j++) {
      const b = coordinates[j];
      let value = prior.covariance[a][b] + (a % 2 === b % 2 ? ANYWHERE : 0) + (a === b ? EXACT : 0);
      for (let k = 0; k < j; k++) value -= row[k] * (j < i ? lower[j][k] : row[k]);
      row[j] = j < i ? value / lower[j][j] : Math.sqrt(value);
    }
    lower.push(row);
    let value = off(a);
    for (let k = 0; k < i; k++) value -= row[k] * white[k];
    white[i] = value / row[i];
    densities.push((-white[i] * white[i]) / 2 - Math.log(row[i]));
  }
  return densities;
}
