// The page: sources in, the view, what was found as files.

import { drawPeople } from "./draw.js";
import { BrowserFinder, ServerFinder, enlarge, readPicture } from "./finder.js";
import { Follower } from "./following/follower.js";
import { Live } from "./live.js";
import { toCsv, toJson, toJsonLines } from "./pose/results.js";

const element = (id) => document.getElementById(id);
const ui = Object.fromEntries(
  ["about", "camera", "colours", "count", "csv", "device", "device-label", "files", "height", "json", "key", "key-label", "least", "least-value",
   "mirror", "model", "pause", "people", "privacy", "progress", "quality", "stage", "status", "view", "where", "where-label"]
    .map((id) => [id, element(id)]));
const context = ui.view.getContext("2d");

let model, follower, finders = {}, shown = null; // {bitmap, people, width, height}: what the view shows
let pictures = []; // files that were looked at last
let results = { pictures: [], frames: [], source: "" }; // what can be saved

const say = (text, wrong = false) => {
  ui.status.textContent = text;
  ui.status.classList.toggle("wrong", wrong);
};
const options = () => ({
  quality: live.video && ui.where.value === "browser" ? "" : ui.quality.value,
  inputHeight: Number(ui.height.value), least: Number(ui.least.value), colours: live.video !== null,
});
const finder = () => finders[ui.where.value];

/** Unless somebody has chosen one, the least score is what suits how it is looked. */
function suitLeast() {
  if (ui.least.dataset.chosen) return;
  ui.least.value = (model.qualities[options().quality] ?? model.options).min_pose_score;
  ui["least-value"].textContent = Number(ui.least.value).toFixed(2);
}

/** Show a picture with the people in it. */
function show() {
  if (!shown) return;
  const { bitmap, people, width, height } = shown;
  ui.view.width = width;
  ui.view.height = height;
  context.setTransform(ui.mirror.checked ? -1 : 1, 0, 0, 1, ui.mirror.checked ? width : 0, 0);
  context.drawImage(bitmap, 0, 0, width, height);
  drawPeople(context, people, model, { width, height, colours: ui.colours.value });
  ui.stage.classList.add("filled");
  const count = `${people.length} found`; // people, or whatever the model is of
  ui.view.setAttribute("aria-label", `Picture with ${count}`);
  if (ui.count.textContent !== count) ui.count.textContent = count;
  ui.people.replaceChildren(...people.map(({ id, score, keypoints }) => {
    const item = document.createElement("li"), found = keypoints.filter((v) => !Number.isNaN(v)).length / 2;
    item.textContent = `${id ? `person ${id}, ` : ""}score ${score.toFixed(2)}, ${found} of ${keypoints.length / 2} keypoints`;
    return item;
  }));
}

/** Find people in a bitmap and show both, named by `name`; the bitmap is kept for the view. */
async function look(bitmap, name = (people) => people) {
  const found = await finder().find(await createImageBitmap(bitmap), options()), people = name(found.people);
  shown?.bitmap.close();
  shown = { bitmap, people, width: found.width, height: found.height };
  show();
  return { ...found, people };
}

const inAll = (times) => Object.values(times).reduce((a, b) => a + b, 0);

async function lookAtPictures(files) {
  live.stop();
  suitLeast();
  pictures = files;
  const mine = (results = { pictures: [], frames: [], source: "" });
  for (const [number, file] of files.entries()) {
    say(`${file.name}: looking, ${number + 1} of ${files.length}`);
    try {
      const { bitmap, reduction } = await readPicture(file);
      const { people, width, height, times } = await look(bitmap);
      if (results !== mine) return;
      const size = { height: height * reduction, width: width * reduction };
      mine.pictures.push({ file: file.name, ...size, people: enlarge(people, reduction) });
      say(`${file.name}: ${people.length} found in ${inAll(times).toFixed(0)} ms`);
    } catch (error) {
      if (results === mine) report(error, file.name);
    }
  }
  offerResults();
}

function report(error, name) {
  if (error.status === 401) ui["key-label"].hidden = false;
  const unreadable = pictures.length && (error.name === "InvalidStateError" || error.name === "EncodingError");
  say(unreadable ? `${name} is no picture that this browser reads; make it JPEG or PNG` : `${name}: ${error.message}`, true);
}

function offerResults() {
  ui.json.disabled = ui.csv.disabled = !results.pictures.length && !results.frames.length;
}

const live = new Live({
  async frame(bitmap, frame, time, name) {
    const mine = frame ? follower : (follower = new Follower(model));
    const { people, width, height, times } = await look(bitmap, (found) => mine.update(found, time));
    results.frames.push({ file: name, frame, time, width, height, people });
    if (results.frames.length > 100_000) results.frames.shift(); // an hour at 25 a second
    if (frame % 10 === 0 && live.video) say(`${name}: frame ${frame}, ${(1000 / inAll(times)).toFixed(1)} a second`);
    offerResults();
  },
  begun(name) {
    results = { pictures: [], frames: [], source: name };
    pictures = [];
    suitLeast();
    ui.pause.disabled = false;
    say(`${name}: looking`);
  },
  ended(name) {
    ui.pause.disabled = true;
    ui.camera.setAttribute("aria-pressed", "false");
    say(`${name}: ${results.frames.length} frames looked at`);
  },
  failed: report,
});

async function open(files) {
  const videos = files.filter((file) => file.type.startsWith("video/"));
  if (videos.length) return live.playFile(videos[0]);
  if (files.length) await lookAtPictures(files);
}

function save(name, text, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

ui.json.addEventListener("click", () =>
  results.frames.length
    ? save("poses.jsonl", toJsonLines(results.frames, results.source, model), "application/jsonl")
    : save("poses.json", toJson(results.pictures, model), "application/json"));
ui.csv.addEventListener("click", () =>
  save("poses.csv", toCsv(results.frames.length ? results.frames : results.pictures, model), "text/csv"));
ui.files.addEventListener("change", async () => {
  await open([...ui.files.files]);
  ui.files.value = "";
});
ui.camera.addEventListener("click", async () => {
  if (live.isCamera) return live.stop();
  ui.camera.setAttribute("aria-pressed", "true");
  await live.playCamera();
});
ui.pause.addEventListener("click", () => ui.pause.setAttribute("aria-pressed", String(live.togglePause())));
for (const name of ["mirror", "colours"]) ui[name].addEventListener("input", show);
ui.least.addEventListener("input", () => {
  ui.least.dataset.chosen = "yes";
  ui["least-value"].textContent = Number(ui.least.value).toFixed(2);
});
for (const name of ["least", "height", "quality", "where"]) {
  ui[name].addEventListener("change", async () => {
    if (name === "where") tellWhere();
    suitLeast();
    if (live.isOn) return;
    if (pictures.length) return lookAtPictures(pictures);
    if (!shown) return;
    try {
      await look(await createImageBitmap(shown.bitmap));
      say(`looked again: ${shown.people.length} found`);
    } catch (error) {
      report(error, "the picture");
    }
  });
}
ui.device.addEventListener("change", async () => {
  live.stop();
  try {
    await openFinder(ui.device.value);
    if (pictures.length) await lookAtPictures(pictures);
  } catch (error) {
    report(error, "the graphics card");
    ui.device.value = finders.browser.device;
  }
});
for (const kind of ["dragover", "dragenter", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    ui.stage.classList.toggle("over", kind === "dragover" || kind === "dragenter");
    if (kind === "drop") open([...event.dataTransfer.files]);
  });
}

/** Load the runtime and the model for a device; the one before goes on where that fails. */
async function openFinder(device) {
  const opened = new BrowserFinder(model, device);
  opened.progress = (share) => (ui.progress.value = share);
  ui.progress.hidden = false;
  say("Loading the model; it stays in this browser");
  try {
    await opened.open();
  } catch (error) {
    opened.close();
    throw error;
  } finally {
    ui.progress.hidden = true;
  }
  finders.browser?.close();
  finders.browser = opened;
  const alone = device === "wasm" && !crossOriginIsolated;
  say(`Ready${device === "webgpu" ? ", on the graphics card" : alone ? ", on one thread" : ""}`);
}

/** Graphics cards are offered where the site has a model for them, and the browser one. */
async function offerDevices() {
  const adapter = model.webgpu && navigator.gpu && (await navigator.gpu.requestAdapter().catch(() => null));
  ui["device-label"].hidden = !adapter;
}

function tellWhere() {
  ui.privacy.textContent =
    ui.where.value === "server"
      ? "Pictures are sent to this server, which keeps none."
      : "Nothing is uploaded: pictures stay in this browser.";
  const usual = ui.quality.options[ui.quality.length - 1];
  usual.text = ui.where.value === "server" ? "as this server does" : "one pass";
}

/** The service worker sends the headers that isolate the page, if the host does not: once it is there, load again. */
async function isolate() {
  if (!("serviceWorker" in navigator)) return;
  await navigator.serviceWorker.register("service-worker.js");
  await navigator.serviceWorker.ready;
  if (!crossOriginIsolated && !sessionStorage.getItem("isolating")) {
    sessionStorage.setItem("isolating", "once");
    location.reload();
    await new Promise(() => {});
  }
}

async function begin() {
  model = await (await fetch("model.json")).json();
  if (model.input_height) {  // what the model was made for comes first
    ui.height.add(new Option(`${model.input_height} px, as trained`, model.input_height, true, true), 0);
  }
  for (const option of [...ui.quality.options]) if (option.value && !model.qualities[option.value]) option.remove();
  ui.quality.value = (model.file && model.quality) || "";
  suitLeast();
  ui.model.textContent = model.name;
  ui.about.textContent = `${model.skeleton.name}, ${model.skeleton.keypoints.length} keypoints. Model: ${model.licence}; ${model.origin}. nimblepose ${model.version}.`;
  if (model.server) {
    ui["where-label"].hidden = false;
    finders.server = new ServerFinder(model, () => ui.key.value);
  }
  if (model.file) {
    await isolate().catch(() => {}); // without it the page works, on one thread and with the network
    await openFinder("wasm");
    await offerDevices();
  } else {
    ui.where.value = "server";
    ui.where.options[0].disabled = true;
    tellWhere();
    ui.progress.hidden = true;
    say("Ready");
  }
  document.body.dataset.ready = "yes";
}

begin().catch((error) => say(error.message, true));
