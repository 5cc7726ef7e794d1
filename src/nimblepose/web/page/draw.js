// A picture with everybody drawn, with the widths and colours of drawing/people.py.

import { findBox } from "./pose/results.js";

const OUTLINE = "rgb(20, 20, 20)";
const GOLDEN_ANGLE = 0.381966; // of a turn: neighbouring people get distant hues

/** The colour of a person, by number. */
export function choosePersonColour(number) {
  const hue = ((number * GOLDEN_ANGLE) % 1) * 6, sector = Math.floor(hue), part = hue - sector;
  const low = 1 - 0.82, falling = 1 - 0.82 * part, rising = 1 - 0.82 * (1 - part);
  const turns = [[1, rising, low], [falling, 1, low], [low, 1, rising], [low, falling, 1], [rising, low, 1], [1, low, falling]];
  return turns[sector % 6].map((value) => Math.round(255 * value));
}

const css = (colour) => `rgb(${colour.join(", ")})`;

/** Draw people, in pixels of the picture, on a 2D context; the best on top. */
export function drawPeople(context, people, model, { width, height, colours = "limb" }) {
  context.lineCap = context.lineJoin = "round";
  for (let i = people.length - 1; i >= 0; i--) {
    const { keypoints } = people[i], box = findBox(keypoints);
    if (!box) continue;
    const line = Math.max(1, Math.round(Math.min(0.016 * Math.hypot(box[2], box[3]), 0.012 * Math.min(width, height))));
    const own = choosePersonColour(people[i].id ?? i), edge = line === 1 ? 0 : Math.max(1, Math.round(line / 4)), radius = 0.5 + line;
    // Pixel centres are whole numbers here; in a canvas they lie half a pixel further.
    const at = (k) => [keypoints[2 * k] + 0.5, keypoints[2 * k + 1] + 0.5];
    const seen = (k) => !Number.isNaN(keypoints[2 * k]);
    const limbs = model.skeleton.body_limbs
      .map((limb) => [...model.skeleton.limb_indices[limb], limb])
      .map(([a, b, limb]) => ({ a, b, colour: css(colours === "person" ? own : model.palette[limb]) }))
      .filter(({ a, b }) => seen(a) && seen(b));
    const dots = new Map([...Array(keypoints.length / 2).keys()].filter(seen).map((k) => [k, css(own)]));
    for (const { a, b, colour } of [...limbs].reverse()) dots.set(a, colour).set(b, colour);
    const stroke = ({ a, b }, colour, wide) => {
      context.strokeStyle = colour;
      context.lineWidth = wide;
      context.beginPath();
      context.moveTo(...at(a));
      context.lineTo(...at(b));
      context.stroke();
    };
    const dot = (k, colour, size) => {
      context.fillStyle = colour;
      context.beginPath();
      context.arc(...at(k), size, 0, 2 * Math.PI);
      context.fill();
    };
    for (const limb of limbs) stroke(limb, OUTLINE, line + 2 * edge);
    for (const k of dots.keys()) dot(k, OUTLINE, radius + edge);
    for (const limb of limbs) stroke(limb, limb.colour, line);
    for (const [k, colour] of dots) dot(k, colour, radius);
  }
}
