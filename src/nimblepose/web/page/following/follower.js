// People of a video or a camera from frame to frame: who is who, and steady keypoints.

import { Smoother } from "./smoother.js";
import { Tracker } from "./tracker.js";

/** Follows the people of one stream, as `nimblepose track` does if nothing is asked of it. */
export class Follower {
  constructor(model) {
    this.tracker = new Tracker(model.oks_sigmas, model.tracking);
    this.smoother = new Smoother(model.smoothing);
    this.time = -Infinity;
  }

  /** Those who are known of the people, with `colours`, in the next frame, in seconds: each with an `id`. */
  update(people, time) {
    this.time = Math.max(this.time, time);
    return this.smoother.update(this.tracker.update(people, this.time), this.time);
  }
}
