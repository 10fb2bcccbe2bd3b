# SPDX-License-Identifier: Apache-2.0
"""The query API: FastAPI over a read-only view of the database."""
