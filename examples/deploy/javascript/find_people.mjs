// Finds people with ONNX Runtime, from the model and its JSON file; prints them as JSON.
//
//     cp -r "$(python -c 'import nimblepose; print(nimblepose.__path__[0])')/web/page/pose" .   # the decoder
//     npm install
//     node find_people.mjs for-node/human-ort.json picture.jpg [height of the input]
//     node find_people.mjs for-node/human-ort.json --fields case.json

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { readModel } from "./model.mjs";
import { decode } from "./pose/decode.js";
import { fit } from "./pose/geometry.js";
import { prepare } from "./pose/resize.js";

/** Everybody in an RGBA picture {data, width, height}; `session` is ONNX Runtime's. */
export async function findPeople(ort, session, picture, model, inputHeight) {
  const placement = fit([picture.height, picture.width], inputHeight, model.input.stride);
  const { data, dims, type } = prepare(picture, placement, model.input);
  const found = await session.run({ [model.input.name]: new ort.Tensor(type, data, dims) });
  const [heatmaps, pafs] = model.outputs.map((name) => found[name]);
  const [height, width] = heatmaps.dims.slice(2);
  return decode({ heatmaps: heatmaps.data, pafs: pafs.data, height, width }, placement, model);
}

/** Everybody in fields that somebody else has computed; the file is one of make_case.py. */
export function decodeCase(path, model) {
  const given = JSON.parse(readFileSync(path, "utf8")), [height, width] = given.size;
  const [imageSize, inputSize] = [given.image_size, given.input_size];
  const factors = [Math.fround(inputSize[1] / imageSize[1]), Math.fround(inputSize[0] / imageSize[0])];
  const fields = { heatmaps: Float32Array.from(given.heatmaps), pafs: Float32Array.from(given.pafs), height, width };
  return decode(fields, { imageSize, inputSize, factors }, model);
}

async function readPicture(path) {
  const { default: sharp } = await import("sharp");
  const { data, info } = await sharp(path).rotate().ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

async function find(sidecar, picture, height, model) {
  const { default: ort } = await import("onnxruntime-node");
  const session = await ort.InferenceSession.create(join(dirname(sidecar), model.files[0]));
  return findPeople(ort, session, await readPicture(picture), model, height);
}

const [sidecar, what, more] = process.argv.slice(2);
const model = readModel(sidecar);
const people = what === "--fields" ? decodeCase(more, model) : await find(sidecar, what, Number(more ?? 256), model);
const toList = (values) => Array.from(values, (value) => (Number.isNaN(value) ? null : value));
console.log(JSON.stringify(people.map(({ score, keypoints, scores }) => (
  { score, keypoints: toList(keypoints), scores: toList(scores) }))));
