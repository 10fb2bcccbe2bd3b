# SPDX-License-Identifier: Apache-2.0
"""The same copies, looked for with iscc-sdk, PDQ and ImageHash, in an environment of their own.

    .build/bench-media/bin/python bench/media/peers.py TASKS.json RESULT.json

Imports nothing of this repository. A film is found when the nearest film of the catalog is the right one and nearer
than any two different films of the catalog are to each other: the most generous threshold without a false match there.
- iscc-sdk 0.9.7: the video code it gives (64 bits), Hamming distance;
- PDQ: a frame a second, quality at least 50; the distance of two films is that of their nearest frames;
- ImageHash: pHash of a frame a second, the same.
"""

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
POPCOUNT = np.array([bin(value).count("1") for value in range(256)], np.uint8)


def frames(path):
    """A frame a second, RGB."""
    command = [FFMPEG, "-v", "error", "-i", path, "-vf", f"fps=1,scale={WIDTH}:{HEIGHT}"]
    command += ["-pix_fmt", "rgb24", "-f", "rawvideo", "-"]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(data, np.uint8).reshape(-1, HEIGHT, WIDTH, 3)


def describe(path):
    """The codes of one film by each method, as rows of bytes."""
    features = iscc_sdk.video_features_extract(path)
    code = iscc_lib.gen_video_code_v0(features, bits=iscc_sdk.sdk_opts.bits)["iscc"]
    digest = iscc_lib.soft_hash_video_v0(features, iscc_sdk.sdk_opts.bits)
    assert code.startswith("ISCC:")
    shown = frames(path)
    pdq = [pdqhash.compute(np.ascontiguousarray(frame)) for frame in shown]
    return {
        "iscc-sdk": np.frombuffer(digest, np.uint8)[None],
        "pdq": np.array([np.packbits(vector) for vector, quality in pdq if quality >= 50], np.uint8).reshape(-1, 32),
        "imagehash": np.array([np.packbits(imagehash.phash(Image.fromarray(frame)).hash) for frame in shown]),
    }


def distance(first, second):
    """Of the nearest rows, in bits."""
    if not len(first) or not len(second):
        return 999
    return int(POPCOUNT[first[:, None, :] ^ second[None, :, :]].sum(-1, dtype=np.int64).min())


def main():
    """Describe the catalog and the copies, find each copy, and count."""
    iscc_sdk.tools.ffmpeg_bin = lambda: FFMPEG  # its own would be downloaded
    tasks = json.loads(Path(sys.argv[1]).read_text())
    catalog = {name: describe(path) for name, path in tasks["catalog"].items()}
    methods = ("iscc-sdk", "pdq", "imagehash")
    limits = {}
    for method in methods:
        pairs = [distance(catalog[a][method], catalog[b][method]) for a in catalog for b in catalog if a < b]
        limits[method] = min(pairs)
    tally = {}
    for transform, name, path in tasks["copies"]:
        codes = describe(path)
        row = tally.setdefault(transform, {method: [0, 0, 0] for method in methods})
        for method in methods:
            near = sorted((distance(codes[method], catalog[other][method]), other) for other in catalog)
            accepted = near[0][0] < limits[method]
            row[method][0] += 1
            row[method][1] += accepted and near[0][1] == name
            row[method][2] += accepted and near[0][1] != name
    Path(sys.argv[2]).write_text(json.dumps({"thresholds": limits, "found": tally}, indent=1))


if __name__ == "__main__":
    main()
