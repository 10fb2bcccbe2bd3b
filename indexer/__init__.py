# SPDX-License-Identifier: Apache-2.0
"""The indexer: chain → database → query API.

`fetch` reads logs and headers, `decode` turns them into events, `project` into row changes, `store` writes them,
`follow` drives the four, `resolve` looks after the documents behind the digests, `api` answers questions.
"""
