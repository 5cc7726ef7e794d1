// Steady keypoints, as tracking/smoothing.py: the one-euro filter (Casiez, Roussel and Vogel, CHI 2012).

import { measureSize } from "./tracks.js";

const SIZE_SECONDS = 2;

/** Steadies the keypoints of one stream of people with an `id`. */
export class Smoother {
  constructor(options) {
    Object.assign(this, { options, states: new Map() });
  }

  /** The same people in the same order with other keypoints. */
  update(people, time) {
    for (const [id, { times }] of this.states) if (!(time - Math.max(...times) <= this.options.max_gap)) this.states.delete(id);
    return people.map((person) => {
      const state = filter(this.states.get(person.id) ?? startBlank(person.keypoints.length / 2), person.keypoints, time, this.options);
      this.states.set(person.id, state);
      return { ...person, keypoints: person.keypoints.map((value, i) => (Number.isNaN(value) ? NaN : state.xy[i])) };
    });
  }
}

const startBlank = (count) => ({
  size: 0, times: new Array(count).fill(-Infinity), xy: new Float64Array(2 * count), velocity: new Float64Array(2 * count),
});

/** One step of the filter for one person; keypoints not found keep their state. */
function filter(state, keypoints, time, options) {
  const fresh = state.times.map((one) => time - one > options.max_gap); // first seen, or seen again
  const elapsed = state.times.map((one, k) => (fresh[k] ? 1 : Math.max(time - one, 1e-6)));
  const size = Math.max(measureSize(keypoints), state.size * Math.exp(-Math.min(...elapsed) / SIZE_SECONDS));
  const next = { size, times: [...state.times], xy: Float64Array.from(state.xy), velocity: Float64Array.from(state.velocity) };
  state.times.forEach((_, k) => {
    const found = [keypoints[2 * k], keypoints[2 * k + 1]];
    if (Number.isNaN(found[0])) return;
    const before = found.map((value, axis) => (fresh[k] ? value : state.xy[2 * k + axis]));
    const gain = computeGain(options.speed_cutoff, elapsed[k]);
    const velocity = found.map((value, axis) => {
      const old = fresh[k] ? 0 : state.velocity[2 * k + axis];
      return old + gain * ((value - before[axis]) / elapsed[k] - old);
    });
    const speed = Math.hypot(...velocity) / size; // body sizes per second
    const share = computeGain(options.min_cutoff + options.beta * speed, elapsed[k]);
    next.times[k] = time;
    next.xy.set(found.map((value, axis) => before[axis] + share * (value - before[axis])), 2 * k);
    next.velocity.set(velocity, 2 * k);
  });
  return next;
}

/** Share of the way to the new value that a low-pass filter of `cutoff` Hz goes in `elapsed` seconds. */
const computeGain = (cutoff, elapsed) => -Math.expm1(-2 * Math.PI * cutoff * elapsed);
