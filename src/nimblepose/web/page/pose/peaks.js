// Heatmaps to peaks, as codec/peaks.py: where could a keypoint be, to a fraction of a cell.
// Heatmaps are one array of K planes of h rows; peaks are arrays of x, y, score and kind, sorted by kind.

const f = Math.fround;
const QUARTER = [-0.0234375, 0.2265625, 0.8671875, -0.0703125, 0]; // cubic, a quarter cell off the middle
const TAPS = [QUARTER, [...QUARTER].reverse()];
const DARK = f(0.01), LEAST_BEND = f(-1e-3), MAX_TILT = f(0.97);

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** Local maxima in whole cells; see the Python docstring for what counts as one. */
export function findPeaks(heatmaps, kinds, height, width, options) {
  const least = f(options.min_peak_score), saddle = f(options.max_saddle);
  const peaks = { x: [], y: [], score: [], kind: [] };
  for (let kind = 0; kind < kinds; kind++) {
    const start = kind * height * width, found = [];
    const at = (y, x) => (y < 0 || x < 0 || y >= height || x >= width ? -Infinity : heatmaps[start + y * width + x]);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const value = heatmaps[start + y * width + x];
        if (!(value > least)) continue;
        const left = at(y, x - 1), right = at(y, x + 1), above = at(y - 1, x), below = at(y + 1, x);
        if (!(value > left && value >= right && value > above && value >= below)) continue;
        const high = f(saddle * value);
        if (at(y - 1, x - 1) >= value && Math.max(left, above) > high) continue; // of equal ones the first counts
        if (at(y - 1, x + 1) >= value && Math.max(right, above) > high) continue;
        if (at(y + 1, x - 1) > value && Math.max(left, below) > high) continue;
        if (at(y + 1, x + 1) > value && Math.max(right, below) > high) continue;
        found.push({ x, y, score: value });
      }
    }
    for (const one of keepHighest(found, options.max_peaks)) {
      peaks.x.push(one.x);
      peaks.y.push(one.y);
      peaks.score.push(one.score);
      peaks.kind.push(kind);
    }
  }
  return peaks;
}

function keepHighest(found, most) {
  if (found.length <= most) return found;
  const order = found.map((_, i) => i).sort((a, b) => found[b].score - found[a].score || a - b);
  return order.slice(0, most).sort((a, b) => a - b).map((i) => found[i]);
}

/** Move peaks to where the heatmap is highest between the cells, by half a cell at most; score them there. */
export function refinePeaks(peaks, heatmaps, height, width) {
  const count = peaks.kind.length;
  const refined = { x: new Float32Array(count), y: new Float32Array(count), score: new Float32Array(count) };
  for (let i = 0; i < count; i++) {
    const x = peaks.x[i], y = peaks.y[i], start = peaks.kind[i] * height * width;
    refined.score[i] = interpolate(heatmaps, start, x, y, height, width);
    const [dx, dy] = height < 3 || width < 3 ? [0, 0] : moveToTop(heatmaps, start, x, y, height, width);
    refined.x[i] = x + dx;
    refined.y[i] = y + dy;
  }
  return { ...refined, kind: peaks.kind };
}

/** The best of the four places a quarter cell off the middle. */
function interpolate(heatmaps, start, x, y, height, width) {
  let best = -Infinity;
  for (const down of TAPS) {
    for (const along of TAPS) {
      let sum = 0;
      for (let j = 0; j < 5; j++) {
        const row = start + clamp(y + j - 2, 0, height - 1) * width;
        for (let i = 0; i < 5; i++) sum += heatmaps[row + clamp(x + i - 2, 0, width - 1)] * down[j] * along[i];
      }
      best = Math.max(best, sum);
    }
  }
  return best;
}

/** From a whole cell to the top of the Gaussian it belongs to: that of the quadric through the logarithms around. */
function moveToTop(heatmaps, start, x, y, height, width) {
  const middleX = clamp(x, 1, width - 2), middleY = clamp(y, 1, height - 2);
  const cell = (j, i) => f(Math.log(Math.max(heatmaps[start + (middleY + j) * width + middleX + i], DARK)));
  const slope = (low, high) => (high - low) / 2, bend = (low, mid, high) => low - 2 * mid + high;
  const row = y - middleY, column = x - middleX; // not 0 at the border only
  let tilt = 0;
  const slopeX = slope(cell(row, -1), cell(row, 1)), slopeY = slope(cell(-1, column), cell(1, column));
  let bendX = bend(cell(row, -1), cell(row, 0), cell(row, 1));
  let bendY = bend(cell(-1, column), cell(0, column), cell(1, column));
  if (!row && !column) tilt = (cell(-1, -1) - cell(-1, 1) - cell(1, -1) + cell(1, 1)) / 8;
  bendX = Math.min(bendX, LEAST_BEND);
  bendY = Math.min(bendY, LEAST_BEND);
  const both = bendX * bendY, most = MAX_TILT * Math.sqrt(both);
  tilt = clamp(tilt, -most, most);
  const determinant = both - tilt * tilt;
  return [
    clamp((tilt * slopeY - bendY * slopeX) / determinant - column, -0.5, 0.5),
    clamp((tilt * slopeX - bendX * slopeY) / determinant - row, -0.5, 0.5),
  ];
}
