// Called by test_page_decoder.py: reads jobs as JSON lines, writes what the page's own modules find.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [page, folder] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${page}/pose/${name}.js`));
const [{ decode }, { fit, roundHalfEven }, { prepare, resize }, results] = await Promise.all(
  ["decode", "geometry", "resize", "results"].map(load));
const floats = (name) => new Float32Array(Uint8Array.from(readFileSync(`${folder}/${name}`)).buffer);
const json = (name) => JSON.parse(readFileSync(`${folder}/${name}`, "utf8"));

function toRgba(name, width, height) {
  const rgb = readFileSync(`${folder}/${name}`), data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < width * height; i++) data.set([rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2], 255], 4 * i);
  return { data, width, height };
}

const does = {
  decode({ model, fields, size, image, input_height: inputHeight, options }) {
    const facts = json(model), placement = fit(image, inputHeight, facts.input.stride);
    const [height, width] = size;
    const people = decode(
      { heatmaps: floats(`${fields}.heatmaps`), pafs: floats(`${fields}.pafs`), height, width },
      placement, facts, { ...facts.options, ...options });
    return { input_size: placement.inputSize, people: people.map((person) => ({
      score: person.score, scores: [...person.scores], keypoints: [...person.keypoints].map((v) => (Number.isNaN(v) ? null : v)),
    })) };
  },
  resize: ({ picture, width, height, to }) => Buffer.from(resize(toRgba(picture, width, height), to).data).toString("base64"),
  prepare({ picture, width, height, to, input }) {
    const made = prepare(toRgba(picture, width, height), { inputSize: to }, input);
    return { dims: made.dims, data: Buffer.from(made.data.buffer).toString("base64") };
  },
  fit: ({ image, input_height: inputHeight, stride }) => fit(image, inputHeight, stride).inputSize,
  round: ({ values }) => values.map(roundHalfEven),
  results({ model, form, pictures, source }) {
    const people = (list) => list.map((one) => ({
      score: one.score, scores: Float32Array.from(one.scores),
      keypoints: Float32Array.from(one.keypoints, (v) => v ?? NaN),
    }));
    const given = pictures.map((one) => ({ ...one, people: people(one.people) }));
    return form === "toJsonLines" ? results.toJsonLines(given, source, json(model)) : results[form](given, json(model));
  },
};
for (const job of json("jobs")) console.log(JSON.stringify(does[job.do](job)));
