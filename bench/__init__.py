# SPDX-License-Identifier: Apache-2.0
"""Measurements beside peers. See bench/README.md."""
