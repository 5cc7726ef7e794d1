// Videos and cameras, frame by frame: each frame is looked at before the next one is taken.

/** Plays one video or camera at a time. `hooks` are told of frames, the beginning, the end and failures. */
export class Live {
  constructor(hooks) {
    this.hooks = hooks;
    this.video = null;
    this.isCamera = this.isPaused = false;
  }

  get isOn() {
    return this.video !== null && !this.isPaused;
  }

  /** Every frame of a file: it waits while one is looked at. */
  async playFile(file) {
    this.stop();
    const url = URL.createObjectURL(file);
    await this.play(file.name, (video) => (video.src = url), false, () => URL.revokeObjectURL(url));
  }

  /** The newest frame of a camera, always. */
  async playCamera() {
    this.stop();
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 } }, audio: false });
      const end = () => stream.getTracks().forEach((track) => track.stop());
      await this.play("camera", (video) => (video.srcObject = stream), true, end);
    } catch (error) {
      this.hooks.ended("camera");
      this.hooks.failed(new Error(`${error.message}; allow the camera for this page`), "camera");
    }
  }

  async play(name, connect, isCamera, release) {
    const video = document.createElement("video");
    Object.assign(video, { muted: true, playsInline: true });
    Object.assign(this, { video, isCamera, isPaused: false, isBusy: false, release, name });
    connect(video);
    let frame = 0;
    const next = () => this.video === video && video.requestVideoFrameCallback(take);
    // A frame may come, and pause it, before the browser says that it plays: that is no failure.
    const resume = () => video.play().catch((error) => error.name !== "AbortError" && Promise.reject(error));
    const take = async (_, { mediaTime }) => {
      if (this.video !== video) return;
      try {
        if (!isCamera) video.pause();
        this.isBusy = true;
        const bitmap = await createImageBitmap(video).catch(() => null); // a camera may have nothing to show just now
        if (bitmap) await this.hooks.frame(bitmap, frame++, mediaTime, name);
        if (this.video !== video) return;
        this.isBusy = false;
        if (video.ended) return this.stop();
        next();
        if (!isCamera && !this.isPaused) {
          await resume();
          setTimeout(end, 3000);
        }
      } catch (error) {
        if (this.video === video) this.fail(error);
      }
    };
    // Firefox does not say that a video has ended that was paused in its last frame and played on: it stays at its end.
    const isOver = () => video.ended || video.currentTime >= video.duration;
    const end = () => this.video === video && !this.isBusy && isOver() && this.stop();
    video.addEventListener("ended", () => setTimeout(end, 3000));
    video.addEventListener("error", () => this.fail(new Error("this browser cannot play it; make it MP4 or WebM")));
    this.hooks.begun(name);
    next();
    await resume().catch((error) => this.video === video && this.fail(error));
  }

  fail(error) {
    const { name } = this;
    this.stop();
    this.hooks.failed(error, name);
  }

  /** Returns whether it is paused now. */
  togglePause() {
    if (!this.video) return false;
    this.isPaused = !this.isPaused;
    if (this.isPaused) this.video.pause();
    else this.video.play();
    return this.isPaused;
  }

  stop() {
    if (!this.video) return;
    const { video, release, name } = this;
    Object.assign(this, { video: null, isCamera: false, isPaused: false });
    video.pause();
    video.removeAttribute("src");
    release();
    this.hooks.ended(name);
  }
}
