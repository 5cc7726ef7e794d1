"""Pages of `web_server` that send video as it happens."""

import time


def stream_of(path, *, break_at=None, rate=40):
    """A page that sends an MPEG-TS file at about its own pace, and breaks off at a part of it."""
    data = path.read_bytes()

    def page(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "video/mp2t")
        handler.end_headers()
        end = len(data) if break_at is None else int(len(data) * break_at)
        step = max(188, len(data) // rate // 188 * 188)
        for at in range(0, end, step):
            handler.wfile.write(data[at : min(end, at + step)])
            time.sleep(0.01)

    return page
