// From picture to people, as runtime/looking.py: see it whole, look again where it pays, put together who was seen.

import { choosePeople, findPeople } from "../pose/decode.js";
import { measureZoom, rescale, toImage } from "../pose/geometry.js";
import { averageMirrored } from "../pose/mirror.js";
import { mirrorInput, prepare, prepareCanvas } from "../pose/resize.js";
import { cutFields, measureGrain, toPicture } from "./canvas.js";
import { merge } from "./merging.js";
import { findPlaces, findTraces } from "./places.js";
import { countMostPixels, placePasses, planLooks } from "./planning.js";
import { bound, note } from "./sightings.js";

/**
 * Everybody in a picture, RGBA as canvases give it, in its pixels, best first; and the boxes that were looked at again.
 *
 * `run` is the network: an input to the promise of its fields. `quality` is one of model.json.
 */
export async function observe(picture, quality, model, run, options = model.options) {
  const size = [picture.height, picture.width], stride = model.input.stride, { looks } = quality;
  const sigmas = model.oks_sigmas, placements = placePasses(quality, size, stride), seen = [], places = [];
  const see = async (input) =>
    quality.flip ? averageMirrored(await run(input), await run(mirrorInput(input)), model) : run(input);
  let pixels = 0;
  for (const placement of placements) {
    const fields = await see(prepare(picture, placement, model.input)), zoom = measureZoom(placement);
    const move = (point) => toImage(point, placement), people = findPeople(fields, model, options);
    seen.push(...note(people, model.prior, stride / zoom, move));
    if (looks && looks.min_trace < 1) places.push(...listTraces(fields, people, model, looks, move, zoom));
    pixels += placement.inputSize[0] * placement.inputSize[1];
  }
  let canvas = null;
  if (looks) {
    const everywhere = [...findPlaces(merge(seen, sigmas), looks.min_score), ...places];
    canvas = planLooks(everywhere, size, placements.map(measureZoom), looks, stride, countMostPixels(quality, size) - pixels);
  }
  if (canvas) {
    const fields = await see(prepareCanvas(picture, canvas, model.input));
    for (const look of canvas.looks) {
      const people = findPeople(cutFields(look, fields), model, options);
      seen.push(...note(people, model.prior, measureGrain(look, stride), toPicture(look, stride)));
    }
  }
  const people = choosePeople(merge(seen, sigmas), options);
  return {
    people: people.map(({ score, scores, keypoints }) => ({ score, scores, keypoints })),
    looks: canvas ? canvas.looks.map(({ box }) => box) : [],
  };
}

function listTraces(fields, people, model, looks, move, zoom) {
  const { stride } = model.input, kinds = model.skeleton.keypoints.length;
  const known = note(people, model.prior, 1, (point) => point.map((value) => rescale(value, 1 / stride)));
  return findTraces(fields, kinds, known.map(({ whole }) => bound(whole)), looks.min_trace, looks.trace_size / stride).map(
    ({ box, size, score }) => {
      const corner = (x, y) => move([rescale(x, stride), rescale(y, stride)]);
      return { box: [...corner(box[0], box[1]), ...corner(box[2], box[3])], size: (size * stride) / zoom, score };
    });
}
