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
  const inputSize = [snap(height), snap(width)];
  // Input pixels per picture pixel, in single precision as they are in Python.
  const factors = [Math.fround(inputSize[1] / width), Math.fround(inputSize[0] / height)];
  return { imageSize: [height, width], inputSize, factors };
}

/** Input pixels (x, y) to picture pixels. */
export const toImage = ([x, y], placement) => [
  Math.fround(rescale(x, 1 / placement.factors[0])),
  Math.fround(rescale(y, 1 / placement.factors[1])),
];
