# SPDX-License-Identifier: Apache-2.0
"""The same copies, looked for with iscc-sdk, PDQ and ImageHash, in an environment of their own.

    .build/bench-media/bin/python bench/media/peers.py TASKS.json RESULT.json FOLDER

Imports nothing of this repository. What each film gave is kept in FOLDER, so that a run that was stopped goes on. A
film is found when the nearest film of the catalog is the right one and nearer than any two different films of the
catalog are to each other: the most generous threshold without a false match there.
- iscc-sdk 0.9.7: the video code it gives (64 bits), Hamming distance;
- PDQ: a frame a second, quality at least 50; the distance of two films is that of their nearest frames;
- ImageHash: pHash of a frame a second, the same; frames that show next to nothing (a spread below 3 of 255) are left
  out, as PDQ's are by their quality: black ones have one hash in all films.
videohash 3.0.1 is not among them yet: it gives one code for a whole film.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import imagehash
import imageio_ffmpeg
import iscc_lib
import iscc_sdk
import iscc_sdk.tools
import numpy as np
import pdqhash
from PIL import Image

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
WIDTH, HEIGHT = 512, 288
PLAIN = 3
METHODS = ("iscc-sdk", "pdq", "imagehash")
POPCOUNT = np.array([bin(value).count("1") for value in range(256)], np.uint8)


def frames(path):
    """A frame a second, RGB."""
    command = [FFMPEG, "-v", "error", "-i", path, "-vf", f"fps=1,scale={WIDTH}:{HEIGHT}"]
    command += ["-pix_fmt", "rgb24", "-f", "rawvideo", "-"]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(data, np.uint8).reshape(-1, HEIGHT, WIDTH, 3)


def describe(path, folder):
    """The codes of one film by each method, as rows of bytes; computed once."""
    kept = folder / (hashlib.sha256(Path(path).read_bytes()).hexdigest() + ".npz")
    if not kept.exists():
        features = iscc_sdk.video_features_extract(path)
        digest = iscc_lib.soft_hash_video_v0(features, iscc_sdk.sdk_opts.bits)
        shown = frames(path)
        pdq = [pdqhash.compute(np.ascontiguousarray(frame)) for frame in shown]
        pdq = [np.packbits(vector) for vector, quality in pdq if quality >= 50]
        clear = [frame for frame in shown if frame.mean(-1).std() >= PLAIN]
        hashes = [np.packbits(imagehash.phash(Image.fromarray(frame)).hash) for frame in clear]
        found = {
            "iscc-sdk": np.frombuffer(digest, np.uint8)[None],
            "pdq": np.array(pdq, np.uint8).reshape(-1, 32),
            "imagehash": np.array(hashes, np.uint8).reshape(-1, 8),
        }
        partial = kept.with_suffix(".part.npz")
        np.savez(partial, **found)
        partial.replace(kept)
    with np.load(kept) as found:
        return {method: found[method] for method in METHODS}


def distance(first, second):
    """Of the nearest rows, in bits."""
    if not len(first) or not len(second):
        return 999
    return int(POPCOUNT[first[:, None, :] ^ second[None, :, :]].sum(-1, dtype=np.int64).min())


def main():
    """Describe the catalog and the copies, find each copy, and count."""
    iscc_sdk.tools.ffmpeg_bin = lambda: FFMPEG  # its own would be downloaded
    folder = Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    tasks = json.loads(Path(sys.argv[1]).read_text())
    catalog = {name: describe(path, folder) for name, path in tasks["catalog"].items()}
    limits = {}
    for method in METHODS:
        pairs = [distance(catalog[a][method], catalog[b][method]) for a in catalog for b in catalog if a < b]
        limits[method] = min(pairs)
    tally = {}
    for transform, name, path in tasks["copies"]:
        codes = describe(path, folder)
        row = tally.setdefault(transform, {method: [0, 0, 0] for method in METHODS})
        for method in METHODS:
            near = sorted((distance(codes[method], catalog[other][method]), other) for other in catalog)
            accepted = near[0][0] < limits[method]
            row[method][0] += 1
            row[method][1] += accepted and near[0][1] == name
            row[method][2] += accepted and near[0][1] != name
    Path(sys.argv[2]).write_text(json.dumps({"thresholds": limits, "found": tally}, indent=1))


if __name__ == "__main__":
    main()
