// Where a pixel is, as in core/geometry.py: points name pixel centres, the centre of the first pixel is (0, 0).

/** The nearest whole number, of two the even one, as Python rounds. */
export function roundHalfEven(value) {
  const low = Math.floor(value), rest = value - low;
  if (rest !== 0.5) return rest < 0.5 ? low : low + 1;
  return low % 2 === 0 ? low : low + 1;
}

/** Move a pixel-centre coordinate with an image that is resized by `factor`. */
export const rescale = (value, factor) => (value + 0.5) * factor - 0.5;

/**
 * How a picture becomes the network's input: scaled to a height, its sides in multiples of the stride.
 * Sizes are [height, width].
 */
export function fit([height, width], inputHeight, stride, maxAspect = 6) {
  const factor = Math.min(inputHeight / height, (inputHeight * maxAspect) / width);
  const snap = (side) => Math.max(1, roundHalfEven((side * factor) / stride)) * stride;
  return place([height, width], [snap(height), snap(width)]);
}

/** How a picture becomes an input of about so many pixels, whatever its shape. */
export function cover([height, width], inputPixels, stride) {
  const factor = Math.sqrt(inputPixels / Math.max(height * width, 1));
  const most = Math.floor(inputPixels / stride ** 2);
  const snap = (side) => Math.min(Math.max(roundHalfEven((side * factor) / stride), 1), most) * stride;
  return place([height, width], [snap(height), snap(width)]);
}

function place([height, width], inputSize) {
  // Input pixels per picture pixel, in single precision as they are in Python.
  const factors = [Math.fround(inputSize[1] / width), Math.fround(inputSize[0] / height)];
  return { imageSize: [height, width], inputSize, factors };
}

/** Input pixels (x, y) to picture pixels. */
export const toImage = ([x, y], { factors }) => [
  rescale(x, Math.fround(1 / factors[0])), rescale(y, Math.fround(1 / factors[1])),
];

/** Input pixels per pixel of the picture. */
export const measureZoom = ({ factors }) => Math.fround(Math.sqrt(Math.fround(factors[0] * factors[1])));
