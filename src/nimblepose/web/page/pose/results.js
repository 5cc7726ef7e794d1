// What was found as files, in the product's own forms: results/formats/own.py and csv_table.py, of videos a line a frame.

const VERSION = 2;
const COLUMNS = [
  "file", "frame", "time", "person", "person_score", "keypoint", "x", "y", "score", "interpolated",
  "error",
];
const round = (value, digits) => Number(value.toFixed(digits));

/** The smallest box around the found keypoints: x, y, width, height; null of nothing. */
export function findBox(keypoints) {
  let box = null;
  for (let k = 0; k < keypoints.length; k += 2) {
    const x = keypoints[k], y = keypoints[k + 1];
    if (Number.isNaN(x)) continue;
    box = box
      ? [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y)]
      : [x, y, x, y];
  }
  return box && [box[0], box[1], box[2] - box[0], box[3] - box[1]];
}

/** People with box, score and the keypoints that were found. */
export function toDict(people, skeleton) {
  return {
    skeleton: skeleton.name,
    people: people.map(({ id, score, scores, keypoints }) => ({
      score: round(score, 4),
      ...(id === undefined ? {} : { track_id: id }),
      box: findBox(keypoints)?.map((value) => round(value, 2)) ?? null,
      keypoints: skeleton.keypoints.flatMap((name, k) =>
        Number.isNaN(keypoints[2 * k])
          ? []
          : [{ name, x: round(keypoints[2 * k], 2), y: round(keypoints[2 * k + 1], 2), score: round(scores[k], 4) }]),
    })),
  };
}

const header = (model) => ({
  format: "nimblepose", version: VERSION, model: model.name, skeletons: { [model.skeleton.name]: model.skeleton_dict },
});

/** One document about pictures; each is {file, height, width, people}. */
export function toJson(pictures, model) {
  const described = pictures.map(({ file, height, width, people }) => ({
    file, height, width, ...toDict(people, model.skeleton),
  }));
  return JSON.stringify({ ...header(model), pictures: described }) + "\n";
}

/** Lines of a video, one a frame, the header in the first; each is {frame, time, height, width, people}. */
export function toJsonLines(frames, source, model) {
  return frames
    .map(({ frame, time, height, width, people }, i) => {
      const before = i ? {} : { header: { ...header(model), source, rate: null, started: null } };
      const place = { frame, time: round(time, 6), height, width };
      return JSON.stringify({ ...before, ...place, ...toDict(people, model.skeleton) }) + "\n";
    })
    .join("");
}

/** A row per found keypoint; of pictures frame 0 at time 0. Errors to expect are not told here: their column is empty. */
export function toCsv(pictures, model) {
  const rows = [COLUMNS];
  for (const { file, frame = 0, time = 0, people } of pictures) {
    people.forEach((person, i) =>
      model.skeleton.keypoints.forEach((name, k) => {
        const x = person.keypoints[2 * k], y = person.keypoints[2 * k + 1];
        if (Number.isNaN(x)) return;
        rows.push([
          file, frame, time.toFixed(6), person.id ?? i, person.score.toFixed(4), name, x.toFixed(2), y.toFixed(2),
          person.scores[k].toFixed(4), "FALSE", "",
        ]);
      }));
  }
  const quote = (value) => (/[",\r\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value);
  return rows.map((row) => row.map(quote).join(",")).join("\n") + "\n";
}
