// Fields of a picture and of its mirror image as one, as runtime/averaging.py.

const f = Math.fround;

/** The mean of fields and of those of the mirrored picture: flipped back, left and right exchanged. */
export function averageMirrored(fields, mirrored, { skeleton, mirror, paf_offset: offset }) {
  const { height, width } = fields, kinds = skeleton.keypoints.length;
  const swapped = (k) => (k < kinds ? mirror.keypoints[k] : k);
  const limb = (c) => 2 * mirror.limbs[c >> 1] + (c % 2), sign = (c) => mirror.direction[c >> 1] * (c % 2 ? 1 : -1);
  return {
    heatmaps: average(fields.heatmaps, mirrored.heatmaps, width, height, { of: swapped, sign: () => 1, cells: 0 }),
    // Flipping moves PAFs that lie to the right of their places to the left: they are shifted back by twice that.
    pafs: average(fields.pafs, mirrored.pafs, width, height, { of: limb, sign, cells: 2 * offset }),
    height, width,
  };
}

function average(planes, mirrored, width, height, { of, sign, cells }) {
  const result = new Float32Array(planes.length), before = f(1 - cells), after = f(cells), size = height * width;
  for (let channel = 0; channel * size < planes.length; channel++) {
    const way = sign(channel);
    for (let y = 0; y < height; y++) {
      const own = channel * size + y * width, last = of(channel) * size + y * width + width - 1;
      for (let x = 0; x < width; x++) {
        const there = way * mirrored[last - x], left = way * mirrored[last - Math.max(x - 1, 0)];
        const other = cells ? f(f(before * there) + f(after * left)) : there;
        result[own + x] = f(planes[own + x] + other) / 2;
      }
    }
  }
  return result;
}
