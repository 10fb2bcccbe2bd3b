# SPDX-License-Identifier: Apache-2.0
"""How fast the relayer is, beside what the same machine does without it: `make bench-relayer`."""
