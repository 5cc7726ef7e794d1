// All looks at a picture on one canvas, which the network sees in one run, as looks/canvas.py.

import { rescale, roundHalfEven } from "../pose/geometry.js";
import { pack } from "./packing.js";

const ROUNDING = 1e-6; // pixels: errors of this size must not reach for a pixel more

/**
 * Frames in whole cells, and packed: {size, stride, looks}, each look {box, cells, corner}: whole pixels of the picture,
 * then rows and columns of the canvas.
 */
export function buildCanvas(frames, stride, gap) {
  const looks = frames.map(({ box, zoom }) => {
    const whole = box.map((value, i) => (i < 2 ? Math.floor(value + ROUNDING) : Math.ceil(value - ROUNDING)));
    const count = (pixels) => Math.max(1, roundHalfEven(pixels * (zoom / stride)));
    return { box: whole, cells: [count(whole[3] - whole[1]), count(whole[2] - whole[0])] };
  });
  const { corners, size } = pack(looks.map(({ cells }) => cells), gap);
  return { size, stride, looks: looks.map((look, i) => ({ ...look, corner: corners[i] })) };
}

/** From input pixels of one look, from its own corner on, to pixels of the picture. */
export function toPicture({ box: [left, top, right, bottom], cells: [height, width] }, stride) {
  const across = Math.fround((right - left) / (width * stride)), down = Math.fround((bottom - top) / (height * stride));
  return ([x, y]) => [Math.fround(rescale(x, across)) + left, Math.fround(rescale(y, down)) + top];
}

/** Pixels of the picture in a cell of a look, as one number. */
export function measureGrain({ box: [left, top, right, bottom], cells: [height, width] }, stride) {
  const across = Math.fround((right - left) / (width * stride)), down = Math.fround((bottom - top) / (height * stride));
  return stride * Math.fround(Math.sqrt(Math.fround(across * down)));
}

/** The fields of one look out of those of the canvas. */
export function cutFields({ corner: [top, left], cells: [height, width] }, fields) {
  const cut = (planes) => {
    const count = planes.length / (fields.height * fields.width), part = new Float32Array(count * height * width);
    for (let channel = 0; channel < count; channel++) {
      for (let y = 0; y < height; y++) {
        const from = (channel * fields.height + top + y) * fields.width + left;
        part.set(planes.subarray(from, from + width), (channel * height + y) * width);
      }
    }
    return part;
  };
  return { heatmaps: cut(fields.heatmaps), pafs: cut(fields.pafs), height, width };
}
