// Rectangles onto as small a canvas as possible, as looks/packing.py. Sizes and corners are [rows, columns].

const SHAPES = [0.6, 1, 1.7], MANY = 16;

/** Where each rectangle lies, and the size of the canvas that holds them. */
export function pack(sizes, gap) {
  const padded = sizes.map(([height, width]) => [height + gap, width + gap]);
  const order = padded.map((_, i) => i).sort((a, b) => padded[b][0] - padded[a][0] || padded[b][1] - padded[a][1] || a - b);
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const area = sum(padded.map(([height, width]) => height * width)), widest = Math.max(...padded.map(([, width]) => width));
  const shapes = padded.length < MANY ? SHAPES : SHAPES.slice(1, 2);
  const widths = new Set(shapes.map((shape) => Math.max(widest, Math.ceil(Math.sqrt(area * shape)))));
  if (padded.length < MANY) widths.add(sum(padded.map(([, width]) => width)));
  let best = null;
  for (const width of [...widths].sort((a, b) => a - b)) {
    const corners = packWithin(padded, order, width);
    const size = [0, 1].map((axis) => Math.max(...corners.map((corner, i) => corner[axis] + sizes[i][axis])));
    if (!best || size[0] * size[1] < best.size[0] * best.size[1]) best = { corners, size };
  }
  return best;
}

/** The highest first, each as high up as it goes and then to the left. */
function packWithin(padded, order, width) {
  const corners = [];
  let skyline = [[0, 0, width]]; // steps from left to right: first column, first free row, columns
  for (const i of order) {
    const [high, wide] = padded[i], [top, first] = findPlace(skyline, wide, width), left = skyline[first][0];
    corners[i] = [top, left];
    skyline = [...skyline.slice(0, first), [left, top + high, wide], ...cutBefore(skyline.slice(first), left + wide)];
  }
  return corners;
}

/** The highest row on which something fits, the first step with which it then begins. */
function findPlace(skyline, wide, width) {
  let best = null;
  for (const [first, [left, row]] of skyline.entries()) {
    if (left + wide > width) break;
    let top = row;
    for (const [column, other] of skyline.slice(first + 1)) {
      if (column >= left + wide) break;
      top = Math.max(top, other);
    }
    if (!best || top < best[0]) best = [top, first];
  }
  return best;
}

/** The steps from a column on. */
const cutBefore = (skyline, column) =>
  skyline
    .filter(([left, , columns]) => left + columns > column)
    .map(([left, row, columns]) => [Math.max(left, column), row, left + columns - Math.max(left, column)]);
