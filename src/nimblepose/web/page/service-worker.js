// Keeps the page for when there is no network, and sends the headers that hosts of static files leave out: isolation,
// without which there are no threads, and the policy that lets neither the page nor its worker send anything elsewhere.

const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; " +
    "img-src 'self' blob: data:; media-src 'self' blob:; style-src 'self'; manifest-src 'self'; base-uri 'none'; " +
    "form-action 'none'",
};
const PREFIX = "nimblepose ";
const LATER = /webgpu|asyncify/; // files that are kept once somebody has asked for them

async function keep() {
  const { version, files } = await (await fetch("files.json", { cache: "no-cache" })).json();
  const cache = await caches.open(PREFIX + version);
  await cache.addAll(files.map((file) => new Request(file, { cache: "no-cache" })));
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== PREFIX + version) await caches.delete(name);
  }
}

async function fetchAndKeep(request, path) {
  const response = await fetch(request), name = (await caches.keys()).find((one) => one.startsWith(PREFIX));
  if (response.ok && name && LATER.test(path)) await (await caches.open(name)).put(path, response.clone());
  return response;
}

async function answer(request) {
  const url = new URL(request.url);
  const path = url.pathname.endsWith("/") ? new URL("index.html", url).href : url.origin + url.pathname;
  const response = (await caches.match(path)) ?? (await fetchAndKeep(request, path));
  if (response.status === 0) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  if (path.endsWith(".wasm")) headers.set("Content-Type", "application/wasm"); // else it is fetched and compiled twice
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

addEventListener("install", (event) => event.waitUntil(keep().then(() => skipWaiting())));
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== location.origin) return;
  event.respondWith(answer(event.request));
});
