# SPDX-License-Identifier: Apache-2.0
"""Choreography found again: dancers drawn by a command, danced again by others, and strangers counted."""
