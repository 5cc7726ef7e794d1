// Pictures to network input, byte for byte as runtime/prepare.py and OpenCV do it. Pictures are RGBA, as canvases give
// them; the fourth byte is left aside.
import { roundHalfEven } from "./geometry.js";

/**
 * Resize to [height, width]: halved as often as it takes, so that no pixel is skipped, then cubic. RGB comes back.
 * A `box` of the picture, x and y of its first pixel and of the one after its last, is resized as if it were all.
 */
export function resize(whole, [toHeight, toWidth], box = [0, 0, whole.width, whole.height]) {
  let picture = toRgb(whole, box);
  let halved = false;
  while (picture.height >= 2 * toHeight && picture.width >= 2 * toWidth) {
    picture = resizeLinear(picture, picture.width >> 1, picture.height >> 1);
    halved = true;
  }
  if (picture.width === toWidth && picture.height === toHeight) return picture;
  return (halved ? resizeLinear : resizeCubic)(picture, toWidth, toHeight);
}

function toRgb(whole, [left, top, right, bottom]) {
  const width = right - left, height = bottom - top, data = new Uint8Array(3 * width * height);
  for (let y = top, to = 0; y < bottom; y++) {
    for (let x = left, from = 4 * (y * whole.width + left); x < right; x++, from += 4, to += 3) {
      data[to] = whole.data[from];
      data[to + 1] = whole.data[from + 1];
      data[to + 2] = whole.data[from + 2];
    }
  }
  return { data, width, height };
}

/** Of each target place the first of two source places, and the weight of the second in 256ths. */
function placeLinear(from, to) {
  const at = new Int32Array(to), weight = new Int32Array(to), scale = from / to;
  for (let i = 0; i < to; i++) {
    const place = scale * (i + 0.5) - 0.5, low = Math.floor(place);
    if (low < 0 || from < 2) at[i] = 0;
    else if (low >= from - 1) at[i] = from - 1;
    else {
      at[i] = low;
      weight[i] = roundHalfEven((place - low) * 256);
    }
  }
  return { at, weight };
}

/** The exact kind of linear interpolation: fixed point, 8 bits of fraction along each axis. */
function resizeLinear({ data, width, height }, toWidth, toHeight) {
  const columns = placeLinear(width, toWidth), rows = placeLinear(height, toHeight);
  const result = new Uint8Array(3 * toWidth * toHeight), line = 3 * toWidth;
  const lines = [new Int32Array(line), new Int32Array(line)], held = [-1, -1];
  const read = (row, into) => {
    for (let x = 0, to = 0; x < toWidth; x++) {
      const from = 3 * (row * width + columns.at[x]), second = columns.weight[x], first = 256 - second;
      const next = second ? from + 3 : from;
      for (let channel = 0; channel < 3; channel++, to++) {
        into[to] = data[from + channel] * first + data[next + channel] * second;
      }
    }
  };
  for (let y = 0; y < toHeight; y++) {
    const row = rows.at[y], second = rows.weight[y], first = 256 - second;
    if (held[1] === row) {
      lines.reverse();
      held.reverse();
    }
    if (held[0] !== row) read(row, lines[0]);
    const below = second ? row + 1 : row;
    if (second && held[1] !== below) read(below, lines[1]);
    held[0] = row;
    held[1] = second ? below : held[1];
    const [upper, lower] = lines, start = y * line;
    if (second) for (let i = 0; i < line; i++) result[start + i] = (upper[i] * first + lower[i] * second + 32768) >> 16;
    else for (let i = 0; i < line; i++) result[start + i] = (upper[i] * 256 + 32768) >> 16;
  }
  return { data: result, width: toWidth, height: toHeight };
}

const CUBIC = -0.75; // OpenCV's

/** Of each target place four source places, and their weights. */
function placeCubic(from, to) {
  const at = new Int32Array(4 * to), weight = new Float32Array(4 * to), scale = from / to;
  for (let i = 0; i < to; i++) {
    const place = (i + 0.5) * scale - 0.5, low = Math.floor(place), x = Math.fround(place - low);
    const outer = (t) => ((CUBIC * t - 5 * CUBIC) * t + 8 * CUBIC) * t - 4 * CUBIC;
    const inner = (t) => ((CUBIC + 2) * t - (CUBIC + 3)) * t * t + 1;
    weight.set([outer(x + 1), inner(x), inner(1 - x), outer(2 - x)], 4 * i);
    for (let k = 0; k < 4; k++) at[4 * i + k] = Math.min(Math.max(low - 1 + k, 0), from - 1);
  }
  return { at, weight };
}

/**
 * Cubic interpolation in floating point, as OpenCV does it on x86, where one byte in some 50,000 differs by one: the
 * order in which it adds is not known. Elsewhere OpenCV differs from itself by one in 3 to 5 % of its bytes.
 */
function resizeCubic({ data, width, height }, toWidth, toHeight) {
  const columns = placeCubic(width, toWidth), rows = placeCubic(height, toHeight);
  const line = 3 * toWidth, across = new Map(), result = new Uint8ClampedArray(line * toHeight);
  const read = (row) => {
    if (across.has(row)) return across.get(row);
    const into = new Float32Array(line), { at, weight } = columns;
    for (let x = 0, k = 0, to = 0; x < toWidth; x++, k += 4) {
      const a = 3 * (row * width + at[k]), b = 3 * (row * width + at[k + 1]);
      const c = 3 * (row * width + at[k + 2]), d = 3 * (row * width + at[k + 3]);
      for (let n = 0; n < 3; n++, to++) {
        into[to] =
          data[a + n] * weight[k] + data[b + n] * weight[k + 1] + data[c + n] * weight[k + 2] + data[d + n] * weight[k + 3];
      }
    }
    across.set(row, into);
    for (const old of across.keys()) if (old < row - 8) across.delete(old);
    return into;
  };
  for (let y = 0; y < toHeight; y++) {
    const [a, b, c, d] = [0, 1, 2, 3].map((k) => read(rows.at[4 * y + k]));
    const [p, q, r, s] = rows.weight.subarray(4 * y, 4 * y + 4), start = y * line;
    // A clamped array rounds half to even, and cuts at 0 and 255.
    for (let i = 0; i < line; i++) result[start + i] = a[i] * p + b[i] * q + c[i] * r + d[i] * s;
  }
  return { data: result, width: toWidth, height: toHeight };
}

const GRAY = 128; // between looks, as runtime/prepare.py

/** A picture as the network's input, (1, 3, h, w): resized, channels in its order, normalised as its file says. */
export function prepare(picture, { inputSize }, input) {
  const planes = makePlanes(inputSize, input);
  put(resize(picture, inputSize), planes, [0, 0], input);
  return normalise(planes, input);
}

/** Looks at a picture, on their canvas; what is between them is gray. */
export function prepareCanvas(picture, canvas, input) {
  const { stride, looks, size } = canvas, planes = makePlanes(size.map((cells) => cells * stride), input);
  planes.data.fill(GRAY);
  for (const { box, cells, corner } of looks) {
    const part = resize(picture, cells.map((side) => side * stride), box);
    put(part, planes, corner.map((cell) => cell * stride), input);
  }
  return normalise(planes, input);
}

/** The mirror image of an input. */
export function mirrorInput({ data, dims, type }) {
  const mirrored = new data.constructor(data.length), width = dims[3];
  for (let row = 0; row < data.length; row += width) mirrored.set(data.slice(row, row + width).reverse(), row);
  return { data: mirrored, dims, type };
}

const makePlanes = ([height, width], { dtype }) => ({
  data: new (dtype === "uint8" ? Uint8Array : Float32Array)(3 * height * width), dims: [1, 3, height, width], type: dtype,
});

/** An RGB picture into planes, from a row and a column on. */
function put({ data, width, height }, planes, [top, left], input) {
  const [, , rows, columns] = planes.dims;
  for (let channel = 0; channel < 3; channel++) {
    const plane = (input.channels === "bgr" ? 2 - channel : channel) * rows * columns;
    for (let y = 0, from = channel; y < height; y++) {
      const start = plane + (top + y) * columns + left;
      for (let x = 0; x < width; x++, from += 3) planes.data[start + x] = data[from];
    }
  }
}

function normalise(planes, input) {
  if (input.dtype === "uint8") return planes;
  const { data } = planes, mean = Math.fround(input.mean), scale = Math.fround(input.scale);
  for (let i = 0; i < data.length; i++) data[i] = Math.fround(data[i] - mean) * scale;
  return planes;
}
