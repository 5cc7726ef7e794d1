// Who finds people: the worker of this page, or the server that it came from.

import { addColours } from "./following/appearance.js";

const MOST_PIXELS = 24e6; // of a picture; larger ones are read at a half, a third ... of their width and height

/** A picture's pixels as they are in the file: upright, without a change of colours. */
export async function readPicture(blob) {
  const options = { colorSpaceConversion: "none" }, whole = await createImageBitmap(blob, options);
  const reduction = Math.ceil(Math.sqrt((whole.width * whole.height) / MOST_PIXELS));
  if (reduction <= 1) return { bitmap: whole, reduction: 1 };
  const resizeWidth = Math.ceil(whole.width / reduction);
  const bitmap = await createImageBitmap(whole, { ...options, resizeWidth, resizeQuality: "medium" });
  whole.close();
  return { bitmap, reduction };
}

/** Finds people in this browser, on the processor ("wasm") or on a graphics card ("webgpu"). */
export class BrowserFinder {
  constructor(model, device = "wasm") {
    Object.assign(this, { model, device });
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.waiting = new Map();
    this.count = 0;
    this.progress = () => {};
    this.worker.addEventListener("message", ({ data }) => {
      if (data.id === undefined) return this.progress(data.progress);
      const { resolve, reject } = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if (data.error === undefined) resolve(data.value);
      else reject(new Error(data.error));
    });
    this.worker.addEventListener("error", (event) => {
      for (const { reject } of this.waiting.values()) reject(new Error(event.message || "the worker could not be loaded"));
      this.waiting.clear();
    });
  }

  ask(message, transfer = []) {
    return new Promise((resolve, reject) => {
      const id = this.count++;
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, ...message }, transfer);
    });
  }

  /** Load the runtime and the model; threads need a page that is isolated from others. */
  open() {
    const threads = crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency || 1) : 1;
    const { model, device } = this;
    return this.ask({ kind: "open", model, device, base: new URL("./", import.meta.url).href, threads });
  }

  close() {
    this.worker.terminate();
  }

  /** People in a bitmap, which is used up, in its pixels. */
  find(bitmap, options) {
    return this.ask({ kind: "find", bitmap, ...options }, [bitmap]);
  }
}

/** Finds people on the server that this page came from. */
export class ServerFinder {
  constructor(model, readKey) {
    this.model = model;
    this.readKey = readKey;
  }

  async find(bitmap, { quality, least, colours }) {
    const begun = performance.now(), { width, height } = bitmap;
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: Boolean(colours) });
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    const body = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.93 }), key = this.readKey();
    const how = new URLSearchParams({ min_score: least, ...(quality ? { quality } : {}) });
    const answer = await fetch(`v1/poses?${how}`, {
      method: "POST", body, headers: { "Content-Type": "image/jpeg", ...(key ? { "X-API-Key": key } : {}) },
    });
    const document = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(document.detail), { status: answer.status });
    const names = this.model.skeleton.keypoints;
    let people = document.pictures[0].people.map((person) => {
      const keypoints = new Float32Array(2 * names.length).fill(NaN), scores = new Float32Array(names.length);
      for (const { name, x, y, score } of person.keypoints) {
        const k = names.indexOf(name);
        keypoints.set([x, y], 2 * k);
        scores[k] = score;
      }
      return { score: person.score, scores, keypoints };
    });
    if (colours) people = addColours(people, context.getImageData(0, 0, width, height), this.model.skeleton);
    return { people, width, height, times: { network: performance.now() - begun } };
  }
}

/** What was found in a reduced picture, in pixels of its file. */
export function enlarge(people, reduction) {
  if (reduction === 1) return people;
  return people.map((one) => ({ ...one, keypoints: one.keypoints.map((v) => (v + 0.5) * reduction - 0.5) }));
}
