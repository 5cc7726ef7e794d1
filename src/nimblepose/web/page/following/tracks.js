// What is remembered of each person, as tracking/tracks.py: places, motion, and how sure both are. Times are seconds,
// places pixels; `place`, `both` and `speed` are the covariance of place and speed, which is the same in x and y.

const SIZE = 0.45, MIN_SIZE = 4, COAST = 4, SPEED = 1.5, ACCELERATION = 1.5, PLACE_ERROR = 0.05, RIVAL_ERROR = 0.5;
const TOLERANCE = 0.16, SHAPE_GAIN = 0.5, MEMORY = 0.7, DARK = 20, COLOUR_TOLERANCE = 0.25, MOST_COLOUR = 4;
const COLOUR_GAIN = 0.1, f = Math.fround;

const isFound = (points, k) => !Number.isNaN(points[2 * k]);
const sum = (values) => values.reduce((a, b) => a + b, 0);

/** Square root of the area of a body, by the diagonal of the box around its keypoints: the unit of OKS. */
export function measureSize(points) {
  const low = [Infinity, Infinity], high = [-Infinity, -Infinity];
  for (let i = 0; i < points.length; i++) {
    if (Number.isNaN(points[i])) continue;
    low[i % 2] = Math.min(low[i % 2], points[i]);
    high[i % 2] = Math.max(high[i % 2], points[i]);
  }
  return high[0] < low[0] ? MIN_SIZE : Math.max(SIZE * Math.hypot(high[0] - low[0], high[1] - low[1]), MIN_SIZE);
}

/** The track of a person seen for the first time: {keypoints, scores, colours}. */
export function startTrack({ keypoints, colours }, time) {
  const size = measureSize(keypoints), count = keypoints.length / 2;
  const found = [...Array(count).keys()].filter((k) => isFound(keypoints, k)).length;
  const whole = size * Math.sqrt(count / Math.max(found, 1)); // of whom only a part is seen, the body is larger
  return {
    id: 0, xy: Float64Array.from(keypoints), begun: time, time, unseen: 0, sightings: 1, size,
    times: Float64Array.from({ length: count }, (_, k) => (isFound(keypoints, k) ? time : -Infinity)),
    velocity: [0, 0], place: (PLACE_ERROR * size) ** 2, both: 0, speed: (SPEED * whole) ** 2,
    colours: takeLogarithms(colours),
  };
}

/** Where somebody should be by now: on their way at a speed that dies away. */
export function predict(track, time) {
  const gap = time - track.time, slowed = Math.exp(-gap / COAST), coasted = COAST * (1 - slowed);
  const wander = gap * (ACCELERATION * track.size) ** 2, { place, both, speed, velocity } = track;
  return {
    ...track,
    xy: track.xy.map((value, i) => value + velocity[i % 2] * coasted),
    velocity: velocity.map((value) => value * slowed),
    place: place + coasted * (2 * both + coasted * speed) + (wander * gap ** 2) / 3,
    both: slowed * (both + coasted * speed) + (wander * gap) / 2,
    speed: slowed ** 2 * speed + wander,
  };
}

/** The track in a picture of which the camera has moved by [x, y]. */
export const moveTrack = (track, shift) => ({ ...track, xy: track.xy.map((value, i) => value + shift[i % 2]) });

/** How sure the place is, in (0, 1]. */
export function measureCertainty({ size, place }) {
  const tolerance = (TOLERANCE * size) ** 2;
  return Math.sqrt(tolerance / (tolerance + place));
}

/** How much each keypoint counts, by how lately it was seen; 0 if it never was. */
const listFreshness = ({ time, times }) => Array.from(times, (one) => Math.exp(-(time - one) / MEMORY));

/** How well a track, expected now, explains a person found: OKS over what both have, by how surely and lately seen. */
export function compareTrack(track, { keypoints, scores }, sigmas) {
  const fresh = listFreshness(track);
  let likeness = 0, all = 0;
  fresh.forEach((weight, k) => {
    if (!isFound(keypoints, k)) return;
    all += weight * scores[k];
    if (!weight) return;
    const x = track.xy[2 * k] - keypoints[2 * k], y = track.xy[2 * k + 1] - keypoints[2 * k + 1];
    const tolerance = (2 * sigmas[k] * track.size) ** 2 + track.place;
    likeness += Math.exp((-0.5 * (x * x + y * y)) / tolerance) * scores[k] * weight;
  });
  return likeness / Math.max(all, 1e-9);
}

/** How much of a track a person shows: a part of somebody shows little. */
export function weigh(track, { keypoints, scores }) {
  const fresh = listFreshness(track);
  return sum(fresh.map((weight, k) => (isFound(keypoints, k) ? weight * scores[k] : 0))) / Math.max(sum(fresh), 1e-9);
}

/** How alike the clothes of a track and a person are, in (0, 1], by the limbs that both have. */
export function compareColours(track, person) {
  const seen = takeLogarithms(person.colours);
  let squares = 0, count = 0;
  for (let limb = 0; limb < seen.length; limb += 3) {
    if (Number.isNaN(seen[limb] + track.colours[limb])) continue;
    count += 3;
    for (let i = limb; i < limb + 3; i++) {
      squares += Math.min(((track.colours[i] - seen[i]) / COLOUR_TOLERANCE) ** 2, MOST_COLOUR);
    }
  }
  return Math.exp(-0.5 * (count ? squares / count : 1));
}

/** Of the colours along limbs: light that changes adds the same to all; NaN where not known. */
const takeLogarithms = (colours) => colours.map((value) => Math.log(f(value + DARK)));

/** A track, expected now, after it was found again; `rival` is the likeness of the person to another track. */
export function updateTrack(track, person, time, rival) {
  const { keypoints } = person, off = track.xy.map((value, i) => keypoints[i] - value), { size } = track;
  const shift = takeMedians(off), rest = off.map((value, i) => value - shift[i % 2]);
  const lengths = [];
  for (let i = 0; i < rest.length; i += 2) if (!Number.isNaN(rest[i])) lengths.push(Math.hypot(rest[i], rest[i + 1]));
  const error = (PLACE_ERROR * size) ** 2 + takeMedian(lengths) ** 2 + (RIVAL_ERROR * size * rival) ** 2;
  const gain = track.place / (track.place + error), speedGain = track.both / (track.place + error);
  const bend = SHAPE_GAIN * (1 - rival), seen = takeLogarithms(person.colours);
  const xy = track.xy.map((value, i) =>
    Number.isNaN(value) ? keypoints[i] : value + gain * shift[i % 2] + (Number.isNaN(off[i]) ? 0 : bend * rest[i]));
  return {
    ...track, xy, time, unseen: 0, size: measureSize(xy), sightings: track.sightings + 1,
    times: track.times.map((value, k) => (isFound(keypoints, k) ? time : value)),
    velocity: track.velocity.map((value, axis) => value + speedGain * shift[axis]),
    place: track.place - gain * track.place, both: track.both - gain * track.both,
    speed: track.speed - speedGain * track.both,
    colours: track.colours.map((value, i) =>
      Number.isNaN(value) ? seen[i] : Number.isNaN(seen[i]) ? value : value + f(COLOUR_GAIN) * (seen[i] - value)),
  };
}

/** Of points, flat, over those that are there; [0, 0] if none is. */
export const takeMedians = (points) =>
  [0, 1].map((axis) => takeMedian([...points].filter((value, i) => i % 2 === axis && !Number.isNaN(value))));

function takeMedian(values) {
  if (!values.length) return 0;
  const ordered = [...values].sort((a, b) => a - b), last = ordered.length - 1;
  return 0.5 * (ordered[last >> 1] + ordered[ordered.length >> 1]);
}
