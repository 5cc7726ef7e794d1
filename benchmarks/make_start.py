"""A trained network as a start for the package: kernels as float16, an origin, nothing that only its own use needs.

    python benchmarks/make_start.py runs/creatures/model.safetensors --origin "..." --out creature-025.safetensors

Prints the size and the SHA-384 that `runtime/models.py` has.
"""

import argparse
import dataclasses
import hashlib
from pathlib import Path

from nimblepose.model.checkpoint import load_checkpoint, save_checkpoint


def main() -> None:
    """Read, strip, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--origin", required=True, help="From what, by whom, how.")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    network, metadata = load_checkpoint(args.checkpoint)
    metadata = dataclasses.replace(
        metadata, origin=args.origin, input_height=None, prior=None, scorer=None, best_size=None, errors=None
    )
    save_checkpoint(network, metadata, args.out, half=True)
    content = args.out.read_bytes()
    print(f"{args.out}: {len(content)} bytes, sha384 {hashlib.sha384(content).hexdigest()}")


if __name__ == "__main__":
    main()
