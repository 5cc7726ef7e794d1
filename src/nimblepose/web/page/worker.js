// Runs the model, so that the page stays quick: a picture in, people out. Nothing leaves the browser.

import { addColours } from "./following/appearance.js";
import { observe } from "./looks/looking.js";
import { decode } from "./pose/decode.js";
import { fit } from "./pose/geometry.js";
import { prepare } from "./pose/resize.js";

let model, session, ort;

/** Bytes of a file of this site, with progress. */
async function load(url, size, progress) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} is missing from this site (${response.status})`);
  const reader = response.body.getReader(), bytes = new Uint8Array(size);
  for (let arrived = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) {
      if (arrived !== size) throw new Error(`${url}: ${arrived} of ${size} bytes arrived; load the page again`);
      return bytes;
    }
    if (arrived + value.length > size) throw new Error(`${url} is larger than it should be; load the page again`);
    bytes.set(value, arrived);
    arrived += value.length;
    progress(arrived / size);
  }
}

const KINDS = {
  wasm: { module: "./runtime/ort.wasm.min.mjs", file: "ort-wasm-simd-threaded" },
  webgpu: { module: "./runtime/ort.webgpu.min.mjs", file: "ort-wasm-simd-threaded.asyncify" },
};

/** Load the runtime and the model; `device` is "wasm", the processor, or "webgpu", a graphics card. */
async function open(facts, base, threads, device) {
  model = device === "webgpu" ? { ...facts, ...facts.webgpu } : facts;
  const { module, file } = KINDS[device], runtime = new URL(`runtime/${file}`, base).href;
  ort = await import(module);
  ort.env.wasm.wasmPaths = { mjs: `${runtime}.mjs`, wasm: `${runtime}.wasm` };
  ort.env.wasm.numThreads = threads;
  const bytes = await load(new URL(model.file, base).href, model.size, (share) => postMessage({ progress: share }));
  session = await ort.InferenceSession.create(bytes, { executionProviders: [device] });
}

function read(bitmap) {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  context.fillStyle = "#fff"; // transparent pixels show white, as everywhere here
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

let running = 0; // milliseconds of the network

/** The network: an input to its fields. */
async function run(input) {
  const begun = performance.now(), tensor = new ort.Tensor(input.type, input.data, input.dims);
  const { heatmaps, pafs } = await session.run({ [session.inputNames[0]]: tensor });
  running += performance.now() - begun;
  return { heatmaps: heatmaps.data, pafs: pafs.data, height: heatmaps.dims[2], width: heatmaps.dims[3] };
}

/**
 * People in a bitmap; with a quality as pictures are looked at, without one in a single pass. With the `colours` of their
 * clothes and the `fields`, if these are wanted.
 */
async function find({ bitmap, quality, inputHeight, least, colours, fields: wanted }) {
  const begun = performance.now(), picture = read(bitmap), options = { ...model.options, min_pose_score: least };
  const { width, height } = picture;
  running = 0;
  let found;
  if (quality) found = await observe(picture, model.qualities[quality], model, run, options);
  else {
    const placement = fit([height, width], inputHeight, model.input.stride);
    const fields = await run(prepare(picture, placement, model.input));
    found = { people: decode(fields, placement, model, options), ...(wanted ? { fields } : {}) };
  }
  if (colours) found.people = addColours(found.people, picture, model.skeleton);
  const times = { network: running, other: performance.now() - begun - running };
  return { ...found, times, width, height };
}

addEventListener("message", async ({ data: { id, kind, ...rest } }) => {
  try {
    postMessage({ id, value: kind === "open" ? await open(rest.model, rest.base, rest.threads, rest.device) : await find(rest) });
  } catch (error) {
    postMessage({ id, error: error.message ?? String(error) });
  }
});
