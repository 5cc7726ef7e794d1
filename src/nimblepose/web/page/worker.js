// Runs the model, so that the page stays quick: a picture in, people out. Nothing leaves the browser.

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

async function open(facts, base, threads) {
  model = facts;
  ort = await import("./runtime/ort.wasm.min.mjs");
  const runtime = new URL("runtime/", base).href;
  ort.env.wasm.wasmPaths = {
    mjs: `${runtime}ort-wasm-simd-threaded.mjs`, wasm: `${runtime}ort-wasm-simd-threaded.wasm`,
  };
  ort.env.wasm.numThreads = threads;
  const bytes = await load(new URL(model.file, base).href, model.size, (share) => postMessage({ progress: share }));
  session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
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

async function find({ bitmap, inputHeight, least, fields: wanted }) {
  const begun = performance.now(), picture = read(bitmap);
  const placement = fit([picture.height, picture.width], inputHeight, model.input.stride);
  const input = prepare(picture, placement, model.input), prepared = performance.now();
  const tensor = new ort.Tensor(input.type, input.data, input.dims);
  const { heatmaps, pafs } = await session.run({ [session.inputNames[0]]: tensor });
  const ran = performance.now(), [, , height, width] = heatmaps.dims;
  const fields = { heatmaps: heatmaps.data, pafs: pafs.data, height, width };
  const people = decode(fields, placement, model, { ...model.options, min_pose_score: least });
  const times = { prepare: prepared - begun, network: ran - prepared, decode: performance.now() - ran };
  return { people, times, width: picture.width, height: picture.height, ...(wanted ? { fields } : {}) };
}

addEventListener("message", async ({ data: { id, kind, ...rest } }) => {
  try {
    postMessage({ id, value: kind === "open" ? await open(rest.model, rest.base, rest.threads) : await find(rest) });
  } catch (error) {
    postMessage({ id, error: error.message ?? String(error) });
  }
});
