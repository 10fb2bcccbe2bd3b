# SPDX-License-Identifier: Apache-2.0
"""What takes too long for every run: mutation, deep fuzzing, proofs. Each has a make target and a committed result."""
