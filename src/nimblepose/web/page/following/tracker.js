// Who is who from frame to frame, as tracking/tracker.py follows a live stream. What a picture tells of a camera that
// moves, and of cuts, is not known here; what the people tell is.

import { assign } from "./matching.js";
import {
  compareColours, compareTrack, measureCertainty, moveTrack, predict, startTrack, takeMedians, updateTrack,
} from "./tracks.js";

const LEAST_PEOPLE = 3, AGREEMENT = 0.25, MAJORITY = 2 / 3;

/** Gives the people of one stream their identities: counted up from 1, never used again. */
export class Tracker {
  constructor(sigmas, options) {
    Object.assign(this, { sigmas, options, tracks: [], time: -Infinity, newTime: -Infinity, before: null });
    this.nextId = 1;
    this.nextTentative = -1;
  }

  /** Those who are known of people {keypoints, scores, score, colours} in the next frame, each with an `id`. */
  update(people, time) {
    const ids = this.follow(people, time);
    return people.map((person, n) => ({ ...person, id: ids[n] })).filter(({ id }) => id > 0);
  }

  follow(people, time) {
    const { options } = this;
    let tracks = this.tracks.filter((track) => time - track.time <= options.max_gap);
    const recent = time - this.newTime <= options.sparse_step;
    if (recent && this.before && isSame(people, this.before.people)) {
      Object.assign(this, { tracks, time });
      return this.before.ids;
    }
    const compare = (expected) => expected.map((track) => people.map((person) => compareTrack(track, person, this.sigmas)));
    let expected = tracks.map((track) => predict(track, time)), similarity = compare(expected);
    const seen = tracks.map(({ id, unseen }) => id > 0 && unseen === 0);
    const lost = similarity.filter((row, t) => seen[t] && row.every((one) => one < options.min_similarity));
    if (2 * lost.length > seen.filter(Boolean).length) { // has the camera moved?
      const shift = findShift(expected.filter((_, t) => seen[t]), people);
      if (shift) {
        tracks = tracks.map((track) => moveTrack(track, shift));
        expected = expected.map((track) => moveTrack(track, shift));
        similarity = compare(expected);
      }
    }
    const least = Math.min(options.min_similarity, options.relink_similarity);
    const value = similarity.map((row, t) => {
      const certainty = measureCertainty(expected[t]);
      return row.map((one, n) => one * certainty * (one >= least ? compareColours(expected[t], people[n]) : 1));
    });
    const owner = tracks.length ? assign(expected, people, similarity, value, options) : people.map(() => -1);
    return this.remember(people, time, tracks, expected, similarity, owner);
  }

  /** Takes note of who was found, and who was not; the number of each person, 0 of whoever is seen twice. */
  remember(people, time, tracks, expected, similarity, owner) {
    const { options } = this, owned = new Set(owner.filter((t) => t >= 0)), now = [], ids = people.map(() => 0);
    const take = (n, track) => {
      const sure = people[n].score >= options.confident_score || track.sightings >= options.min_sightings;
      now.push({ n, sure: sure && track.id < 0, track });
    };
    owner.forEach((t, n) => {
      if (t < 0) return;
      const rival = similarity.reduce((most, row, i) => (i === t ? most : Math.max(most, row[n])), 0);
      take(n, updateTrack(expected[t], people[n], time, rival));
    });
    owner.forEach((t, n) => {
      const twice = similarity.some((row, i) => tracks[i].id > 0 && owned.has(i) && row[n] > options.max_resemblance);
      if (t < 0 && !twice) take(n, { ...startTrack(people[n], time), id: this.nextTentative-- });
    });
    for (const one of now) {
      if (one.sure) one.track.id = this.nextId++;
      ids[one.n] = one.track.id;
    }
    const missing = tracks.filter((track, t) => track.id > 0 && !owned.has(t)); // the tentative are forgotten
    this.tracks = [...now.map(({ track }) => track), ...missing.map((track) => ({ ...track, unseen: track.unseen + 1 }))];
    Object.assign(this, { time, newTime: time, before: { people, ids } });
    return ids;
  }
}

/** The same frame, to the last bit? No camera takes the same picture twice. Where nobody is, nothing is told. */
function isSame(people, before) {
  const same = (one, other) => one.length === other.length && one.every((value, i) => Object.is(value, other[i]));
  return people.length > 0 && people.length === before.length && people.every((person, n) =>
    person.score === before[n].score && same(person.keypoints, before[n].keypoints) && same(person.colours, before[n].colours));
}

/** How far a camera has moved everybody, beyond where they were expected, as tracking/camera.py; null if it has not. */
export function findShift(expected, people) {
  if (Math.min(expected.length, people.length) < LEAST_PEOPLE) return null;
  const pairs = expected.map(({ xy }) => people.map(({ keypoints }) => {
    const off = xy.map((value, i) => keypoints[i] - value);
    return off.every(Number.isNaN) ? null : takeMedians(off);
  }));
  let best = null;
  for (const proposed of pairs.flat().filter(Boolean)) {
    const agreeing = [];
    pairs.forEach((row, t) => {
      const distances = row.map((pair) => (pair ? Math.hypot(pair[0] - proposed[0], pair[1] - proposed[1]) : Infinity));
      const nearest = distances.indexOf(Math.min(...distances));
      if (distances[nearest] < AGREEMENT * expected[t].size) agreeing.push(row[nearest]);
    });
    if (!best || agreeing.length > best.length) best = agreeing;
  }
  if (!best || best.length < Math.max(LEAST_PEOPLE, MAJORITY * expected.length)) return null;
  return takeMedians(best.flat());
}
