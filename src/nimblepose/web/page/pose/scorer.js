// What a pose is worth, as core/scorer.py: the object keypoint similarity to expect of it.

/** Heights of the peaks, then the limbs' score, mean and lowest height, share of keypoints, extent. */
export function measureFeatures({ keypoints, heights, limbScore }) {
  let count = 0, sum = 0, lowest = Infinity;
  const low = [Infinity, Infinity], high = [-Infinity, -Infinity];
  heights.forEach((height, k) => {
    sum += height;
    if (Number.isNaN(keypoints[2 * k])) return;
    count++;
    lowest = Math.min(lowest, height);
    for (const axis of [0, 1]) {
      low[axis] = Math.min(low[axis], keypoints[2 * k + axis]);
      high[axis] = Math.max(high[axis], keypoints[2 * k + axis]);
    }
  });
  const extent = [0, 1].map((axis) => Math.log1p(Math.fround(high[axis] - low[axis])));
  return [...heights, limbScore, sum / count, count / heights.length, lowest, ...extent];
}

/** Expected OKS of a pose; without a scorer its limbs' score. */
export function score(scorer, pose) {
  if (!scorer) return pose.limbScore;
  const standard = measureFeatures(pose).map((value, i) => (value - scorer.centre[i]) / scorer.spread[i]);
  let value = scorer.output_bias[0];
  scorer.hidden_bias.forEach((bias, unit) => {
    const sum = standard.reduce((total, one, i) => total + one * scorer.hidden[i][unit], bias);
    value += Math.tanh(sum) * scorer.output[unit];
  });
  return Math.fround(1 / (1 + Math.exp(-Math.min(Math.max(value, -50), 50))));
}
