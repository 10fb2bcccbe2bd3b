# SPDX-License-Identifier: Apache-2.0
"""Finding films again: recall, false matches, speed. See bench/README.md and docs/media.md."""
