// Called by test_page_decoder.py: reads jobs as JSON lines, writes what the page's own modules find.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [page, folder] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${page}/pose/${name}.js`));
const [{ decode }, { cover, fit, roundHalfEven }, { prepare, resize }, results] = await Promise.all(
  ["decode", "geometry", "resize", "results"].map(load));
const [{ addColours }, { Follower }, { match }, { Tracker }] = await Promise.all(
  ["appearance", "follower", "matching", "tracker"].map((name) => import(pathToFileURL(`${page}/following/${name}.js`))));
const { compareColours, compareTrack, measureCertainty, predict, weigh } = await import(
  pathToFileURL(`${page}/following/tracks.js`));
const { observe } = await import(pathToFileURL(`${page}/looks/looking.js`));
const floats = (name) => new Float32Array(Uint8Array.from(readFileSync(`${folder}/${name}`)).buffer);
const json = (name) => JSON.parse(readFileSync(`${folder}/${name}`, "utf8"));

function toRgba(name, width, height) {
  const rgb = readFileSync(`${folder}/${name}`), data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < width * height; i++) data.set([rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2], 255], 4 * i);
  return { data, width, height };
}

const list = (people) => people.map((person) => ({
  score: person.score, scores: [...person.scores], keypoints: [...person.keypoints].map((v) => (Number.isNaN(v) ? null : v)),
}));

const does = {
  /** The network answers what it answered in Python, whose inputs are compared with those that are asked about here. */
  async observe({ model, picture, width, height, quality, runs, options }) {
    const facts = json(model), asked = { ...facts.qualities[quality], ...options }, inputs = [];
    const run = async (input) => {
      const { name, size } = runs[inputs.length], right = readFileSync(`${folder}/${name}.input`);
      const ours = Buffer.from(input.data.buffer);
      const off = ours.reduce((count, value, i) => count + (value !== right[i]), 0) + Math.abs(ours.length - right.length);
      inputs.push({ dims: input.dims, off: off / right.length });
      return { heatmaps: floats(`${name}.heatmaps`), pafs: floats(`${name}.pafs`), height: size[0], width: size[1] };
    };
    const chosen = { ...facts.options, min_pose_score: asked.min_pose_score };
    const { people, looks } = await observe(toRgba(picture, width, height), asked, facts, run, chosen);
    return { inputs, looks, people: list(people) };
  },
  decode({ model, fields, size, image, input_height: inputHeight, options }) {
    const facts = json(model), placement = fit(image, inputHeight, facts.input.stride);
    const [height, width] = size;
    const people = decode(
      { heatmaps: floats(`${fields}.heatmaps`), pafs: floats(`${fields}.pafs`), height, width },
      placement, facts, { ...facts.options, ...options });
    return { input_size: placement.inputSize, people: list(people) };
  },
  resize: ({ picture, width, height, to }) => Buffer.from(resize(toRgba(picture, width, height), to).data).toString("base64"),
  prepare({ picture, width, height, to, input }) {
    const made = prepare(toRgba(picture, width, height), { inputSize: to }, input);
    return { dims: made.dims, data: Buffer.from(made.data.buffer).toString("base64") };
  },
  fit: ({ image, input_height: inputHeight, stride }) => fit(image, inputHeight, stride).inputSize,
  /** Frames of {time, people} through the tracker alone, or steadied, too. */
  follow({ model, frames, smooth }) {
    const facts = json(model), limbs = facts.skeleton.limbs.length;
    const follower = smooth ? new Follower(facts) : new Tracker(facts.oks_sigmas, facts.tracking);
    const read = (values, count) => Float32Array.from(values ?? new Array(count).fill(null), (v) => v ?? NaN);
    const give = (people) => people.map(({ score, scores, keypoints, colours }) => ({
      score, scores: Float32Array.from(scores), keypoints: read(keypoints), colours: read(colours, 3 * limbs),
    }));
    const found = frames.map(({ time, people }) =>
      follower.update(give(people), time).map((person) => ({ id: person.id, ...list([person])[0] })));
    if (smooth) return found;
    const last = frames.at(-1), people = give(last.people);
    const plain = (values) => [...values].map((v) => (Number.isFinite(v) ? v : null));
    const expected = follower.tracks.map((track) => predict(track, last.time + 0.2));
    const pair = (rate) => expected.map((track) => people.map((person) => rate(track, person)));
    return {
      found,
      expected: expected.map((track) => ({
        ...track, xy: plain(track.xy), times: plain(track.times), colours: plain(track.colours),
        certainty: measureCertainty(track),
      })),
      similarity: pair((t, n) => compareTrack(t, n, facts.oks_sigmas)), shown: pair(weigh), likeness: pair(compareColours),
    };
  },
  match: ({ value }) => match(value),
  colours({ model, picture, width, height, people }) {
    const given = people.map((keypoints) => ({ keypoints: Float32Array.from(keypoints, (v) => v ?? NaN) }));
    const named = addColours(given, toRgba(picture, width, height), json(model).skeleton);
    return named.map(({ colours }) => [...colours].map((v) => (Number.isNaN(v) ? null : v)));
  },
  cover: ({ image, pixels, stride }) => cover(image, pixels, stride).inputSize,
  round: ({ values }) => values.map(roundHalfEven),
  results({ model, form, pictures, source }) {
    const people = (list) => list.map((one) => ({
      id: one.id, score: one.score, scores: Float32Array.from(one.scores),
      keypoints: Float32Array.from(one.keypoints, (v) => v ?? NaN),
    }));
    const given = pictures.map((one) => ({ ...one, people: people(one.people) }));
    return form === "toJsonLines" ? results.toJsonLines(given, source, json(model)) : results[form](given, json(model));
  },
};
for (const job of json("jobs")) console.log(JSON.stringify(await does[job.do](job)));
