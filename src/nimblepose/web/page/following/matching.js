// Whose track each person found belongs to, as tracking/matching.py. Matrices are rows of tracks, columns of people.

import { weigh } from "./tracks.js";

/** The track of each person, in rounds, -1 for none; the rounds are told there. */
export function assign(tracks, people, similarity, value, options) {
  const confident = people.map(({ score }) => score >= options.confident_score);
  const known = tracks.map(({ id }) => id > 0), lately = tracks.map(({ unseen }, t) => known[t] && unseen === 0);
  const where = (least) => similarity.map((row, t) => row.map((one, n) => (one >= least ? value[t][n] : 0)));
  const near = where(options.min_similarity), far = where(options.relink_similarity);
  const map = (give) => similarity.map((row, t) => row.map((_, n) => give(t, n)));
  let owner = people.map(() => -1);
  const free = () => owner.map((one) => one < 0);

  owner = give(owner, near, known, confident);
  const others = compareOthers(similarity);
  const shown = map((t, n) => {
    if (!lately[t] && (confident[n] || !(others[t][n] < options.relink_similarity))) return 0;
    const worth = (confident[n] ? far : near)[t][n];
    return worth && worth * weigh(tracks[t], people[n]);
  });
  owner = give(owner, shown, known, free());
  owner = give(owner, near, known.map((one) => !one), free());

  const sure = owner.map((t, n) => confident[n] || (t < 0 ? 0 : tracks[t].sightings) + 1 >= options.min_sightings);
  const unknown = owner.map((t) => t < 0 || !known[t]), begun = owner.map((t) => (t < 0 ? Infinity : tracks[t].begun));
  const missing = map((t, n) => (tracks[t].time < begun[n] ? far[t][n] : 0));
  owner = give(owner, missing, known, sure.map((one, n) => one && unknown[n]));
  return give(owner, far, lately, free());
}

/** The similarity of each person to the most similar of all tracks but the one. */
function compareOthers(similarity) {
  return similarity.map((row, t) =>
    row.map((_, n) => similarity.reduce((most, other, i) => (i === t ? most : Math.max(most, other[n])), 0)));
}

/** The owners, after people got those of the chosen tracks that nobody has, where the value is not 0. */
function give(owner, value, chosen, people) {
  const taken = new Set(owner.filter((t) => t >= 0));
  const tracks = [...chosen.keys()].filter((t) => chosen[t] && !taken.has(t));
  const waiting = [...people.keys()].filter((n) => people[n]), given = [...owner];
  for (const [row, column] of match(tracks.map((t) => waiting.map((n) => value[t][n])))) given[waiting[column]] = tracks[row];
  return given;
}

/** Pairs of rows and columns, each used once, with the largest sum; none where the value is 0. */
export function match(value) {
  if (!value.length || !value[0].length) return [];
  const wide = value.length <= value[0].length, at = wide ? (i, j) => value[i][j] : (i, j) => value[j][i];
  const [rows, columns] = wide ? [value.length, value[0].length] : [value[0].length, value.length];
  return assignLeast(rows, columns, (i, j) => -at(i, j))
    .map((column, row) => [row, column])
    .filter(([row, column]) => at(row, column) > 0)
    .map(([row, column]) => (wide ? [row, column] : [column, row]));
}

/** The column of each row, of at least as many, that cost least together (H. W. Kuhn, 1955; by shortest paths). */
function assignLeast(rows, columns, cost) {
  const u = new Float64Array(rows + 1), v = new Float64Array(columns + 1), rowOf = new Int32Array(columns + 1);
  for (let row = 1; row <= rows; row++) {
    const least = new Float64Array(columns + 1).fill(Infinity), from = new Int32Array(columns + 1);
    const used = new Uint8Array(columns + 1);
    let column = 0;
    rowOf[0] = row;
    do {
      used[column] = 1;
      const own = rowOf[column];
      let step = Infinity, next = 0;
      for (let j = 1; j <= columns; j++) {
        if (used[j]) continue;
        const reduced = cost(own - 1, j - 1) - u[own] - v[j];
        if (reduced < least[j]) [least[j], from[j]] = [reduced, column];
        if (least[j] < step) [step, next] = [least[j], j];
      }
      for (let j = 0; j <= columns; j++) {
        if (used[j]) {
          u[rowOf[j]] += step;
          v[j] -= step;
        } else least[j] -= step;
      }
      column = next;
    } while (rowOf[column]);
    for (; column; column = from[column]) rowOf[column] = rowOf[from[column]];
  }
  const columnOf = new Array(rows);
  for (let j = 1; j <= columns; j++) if (rowOf[j]) columnOf[rowOf[j] - 1] = j - 1;
  return columnOf;
}
