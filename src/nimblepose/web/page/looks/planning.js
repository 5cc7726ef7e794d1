// What is looked at, as runtime/quality.py, runtime/passes.py and looks/planning.py: passes over the whole picture, then
// everybody at the wanted size, or as closely as a canvas of so many pixels allows.

import { cover, roundHalfEven } from "../pose/geometry.js";
import { buildCanvas } from "./canvas.js";
import { frame, measureArea, share } from "./framing.js";

const PASS = 368, LONG = 2, MOST_PICTURES = 4, MOST_PIXELS = 1 << 23;
const TRIALS = 8, MOST_SAVED = 4, SLACK = 0.92;

/** Where a picture of [height, width] lies in the input, in each pass of a quality. */
export const placePasses = (quality, size, stride) =>
  quality.passes.map((pixels) => cover(size, roundHalfEven(pixels * countPictures(size)), stride));

/** Input pixels of all runs for a picture of [height, width]. */
export function countMostPixels(quality, [height, width]) {
  const aspect = Math.min(Math.max(width / height, 1 / LONG), LONG);
  return Math.min(Math.trunc(quality.bound * PASS * PASS * aspect * countPictures([height, width])), MOST_PIXELS);
}

/** How many pictures a strip or a panorama counts as: 1 up to twice as long as wide, then in proportion, up to 4. */
function countPictures([height, width]) {
  const aspect = width / height;
  return Math.min(Math.max(aspect / LONG, 1 / (aspect * LONG), 1), MOST_PICTURES);
}

/** A canvas with everybody who should be looked at again; null if there is nobody. */
export function planLooks(places, size, passes, options, stride, mostPixels) {
  const gap = options.gap * stride, measure = (parts) => parts.flat().reduce((sum, one) => sum + measureArea(one, gap), 0);
  let closeness = 1;
  for (let trial = 0; trial < TRIALS; trial++) {
    const apart = options.sizes.map((one) => frame(places, size, passes, one, options, closeness)), area = measure(apart);
    let saved = 1 / MOST_SAVED;
    if (!area) return null;
    if (area <= mostPixels * MOST_SAVED) {
      const together = apart.map((frames) => share(frames, gap, options.alike));
      saved = measure(together) / area;
      if (saved * area <= mostPixels) {
        const canvas = buildCanvas(together.flat(), stride, options.gap), [rows, columns] = canvas.size;
        const pixels = rows * stride * columns * stride;
        if (pixels <= mostPixels) return canvas;
        saved *= pixels / (saved * area);
      }
    }
    closeness *= Math.min(0.97, Math.max(0.3, Math.sqrt((SLACK * mostPixels) / (saved * area))));
  }
  return null;
}
