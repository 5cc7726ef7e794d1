"""`nimblepose serve` under load: errors, CPU per request against the same work in process, memory, the bounds.

    python benchmarks/serve_load.py coco-eval/images --requests 200
    python benchmarks/serve_load.py coco-eval/images --requests 200 --soak 20000

Pictures are resized to 640 x 480 and sent as JPEG. CPU of a request is user and system time of the server's process;
rounds in process and by HTTP take turns, because what else the machine does changes both. The soak sends many requests
at little cost each (quality fast, pictures of 160 x 120) and prints the resident memory along the way.
"""

import argparse
import http.client
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import cv2

from nimblepose import PoseEstimator, read_picture
from nimblepose.media.encoding import encode_picture
from nimblepose.results.output_format import Header, PictureResult
from nimblepose.serve.answers import make_answer

_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, help="folder of pictures")
    parser.add_argument("--requests", type=int, default=200, help="of each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--soak", type=int, default=0, help="requests, at least 1000")
    options = parser.parse_args()
    files = sorted(options.pictures.glob("*.jpg"))[:40]
    jpegs = [encode_picture(cv2.resize(read_picture(file), (640, 480)), ".jpg") for file in files]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start, {options.threads} threads")
    if options.soak:
        soak([encode_picture(cv2.resize(read_picture(file), (160, 120)), ".jpg") for file in files], options.soak)
        return
    estimator = PoseEstimator(threads=options.threads, streaming=True)
    compare(estimator, jpegs, options.requests, options.rounds, options.threads)
    overflow(jpegs, options.threads)


def compare(estimator: PoseEstimator, jpegs: list[bytes], requests: int, rounds: int, threads: int) -> None:
    """CPU per picture in process and by HTTP, in turns."""
    with serving("--threads", str(threads), "--queue", "64") as (pid, port):
        ratios: dict[int, list[float]] = {1: [], 8: [], 64: []}
        print(
            "| concurrency | statuses | requests per s | CPU per request, ms | in process, ms | ratio |\n"
            "|---|---|---|---|---|---|"
        )
        for _ in range(rounds):
            for concurrency, found in ratios.items():
                inside = compute_in_process(estimator, jpegs, requests, min(concurrency, threads))
                before, begun = read_cpu(pid), time.perf_counter()
                statuses, _ = send(port, jpegs, requests, concurrency)
                rate = requests / (time.perf_counter() - begun)
                outside = (read_cpu(pid) - before) / requests
                found.append(outside / inside)
                print(
                    f"| {concurrency} | {dict(statuses)} | {rate:.1f} | {1000 * outside:.1f} | {1000 * inside:.1f} | "
                    f"{outside / inside:.3f} |"
                )
        for concurrency, found in ratios.items():
            print(f"concurrency {concurrency}: median ratio {statistics.median(found):.3f}")


def compute_in_process(estimator: PoseEstimator, jpegs: list[bytes], requests: int, threads: int) -> float:
    """Seconds of CPU per picture from bytes to bytes, without a server."""
    shared = estimator.for_threads()
    header = Header(model="human", skeletons=(estimator.skeleton,))

    def work(number: int) -> int:
        picture = read_picture(jpegs[number % len(jpegs)])
        result = PictureResult("picture", picture.shape[:2], shared.estimate(picture), 1)
        return len(make_answer([result], ("json",), header).body)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
        before = time.process_time()
        list(pool.map(work, range(requests)))
        return (time.process_time() - before) / requests


def overflow(jpegs: list[bytes], threads: int) -> None:
    """More at a time than may wait."""
    with serving("--threads", str(threads), "--queue", "8") as (_, port):
        statuses, retry = send(port, jpegs, 200, 64)
        print(f"64 at a time over a queue of 8: {dict(statuses)}; Retry-After of the refused: {sorted(retry)}")


def soak(jpegs: list[bytes], requests: int) -> None:
    """Memory along many requests."""
    with serving("--threads", "2", "--quality", "fast") as (pid, port):
        total: Counter[int] = Counter()
        print("| requests | resident memory, MB |\n|---|---|")
        for done in range(0, requests, 1000):
            total += send(port, jpegs, 1000, 8)[0]
            if (done // 1000) % 2 == 1 or not done:
                print(f"| {done + 1000} | {read_memory(pid):.1f} |", flush=True)
        print(f"statuses: {dict(total)}")


def send(port: int, jpegs: list[bytes], requests: int, concurrency: int) -> tuple[Counter[int], set[str]]:
    """Requests from so many connections; their statuses, and what the refused were told."""
    statuses: Counter[int] = Counter()
    retry: set[str] = set()
    numbers, lock = iter(range(requests)), threading.Lock()

    def ask() -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                connection.request("POST", "/v1/poses", jpegs[number % len(jpegs)])
                answer = connection.getresponse()
                answer.read()
                with lock:
                    statuses[answer.status] += 1
                    if answer.status == 503:
                        retry.add(answer.headers["Retry-After"])

    threads = [threading.Thread(target=ask) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses, retry


@contextmanager
def serving(*arguments):
    """A server as a process of its own; its process id and port."""
    command = [sys.executable, "-m", "nimblepose", "serve", "--port", "0", "--timeout", "60", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        port = int(re.search(r":(\d+)$", process.stderr.readline().strip())[1])
        log = threading.Thread(target=process.stderr.read, daemon=True)
        log.start()
        while True:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    break
            time.sleep(0.1)
        try:
            yield process.pid, port
        finally:
            process.terminate()
            assert process.wait(60) == 0


def read_cpu(pid: int) -> float:
    """Seconds of user and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def read_memory(pid: int) -> float:
    """Resident memory, MB."""
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1000


if __name__ == "__main__":
    main()
