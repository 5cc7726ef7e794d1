"""Runs a batch on a Ray cluster of two nodes of this machine; started by `unshare` with a network of its own.

Usage: `ray_cluster.py BATCH [--kill SECONDS]`: kill -9 of the second node so long after the first part is there.
"""

import argparse
import contextlib
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

PORT = 6399


def raise_loopback():
    """A new network has one interface, which is down."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up and running


def start_node(*options):
    ray = Path(sys.executable).with_name("ray")
    command = [ray, "start", "--block", "--num-cpus=1", "--disable-usage-stats", "--object-store-memory=80000000"]
    return subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def list_descendants(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children] + [n for child in children for n in list_descendants(child)]


def kill_node(node):
    for pid in [node.pid, *list_descendants(node.pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("batch", type=Path)
    parser.add_argument("--kill", type=float)
    arguments = parser.parse_args()
    raise_loopback()
    os.environ.update(RAY_AUTH_MODE="disabled", RAY_USAGE_STATS_ENABLED="0")
    head = start_node("--head", f"--port={PORT}", "--include-dashboard=false", "--node-ip-address=127.0.0.1")
    while socket.socket().connect_ex(("127.0.0.1", PORT)):
        time.sleep(0.1)
    second = start_node(f"--address=127.0.0.1:{PORT}", "--node-ip-address=127.0.0.1")
    run = [sys.executable, "-m", "nimblepose", "batch", "run", str(arguments.batch)]
    driver = subprocess.Popen([*run, "--engine", "ray", "--address", f"127.0.0.1:{PORT}"])
    if arguments.kill is not None:
        while driver.poll() is None and not list((arguments.batch / "parts").glob("[0-9a-f]*.parquet")):
            time.sleep(0.05)
        time.sleep(arguments.kill)
        kill_node(second)
        print("killed", file=sys.stderr)
    code = driver.wait()
    for node in (second, head):
        with contextlib.suppress(OSError):
            kill_node(node)
    sys.exit(code)


if __name__ == "__main__":
    main()
