// SPDX-License-Identifier: Apache-2.0
// Recomputes the digests of tests/vectors/typed_data.json with viem and recovers who signed.
// Usage: node digests.mjs <typed_data.json> <directory with node_modules>. Run by test_node.py.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

const [vectorsPath, packages] = process.argv.slice(2)
const require = createRequire(pathToFileURL(`${packages}/package.json`))
const { hashDomain, hashStruct, hashTypedData, recoverTypedDataAddress } = require('viem')
const { privateKeyToAccount } = require('viem/accounts')

const { vectors } = JSON.parse(readFileSync(vectorsPath, 'utf8'))
assert.ok(vectors.length >= 50, 'there are vectors')

for (const vector of vectors) {
  test(vector.name, async () => {
    const { domain, types, primaryType, message } = vector.typed_data
    const { EIP712Domain, ...own } = types
    assert.equal(hashDomain({ domain, types }), vector.domain_separator)
    assert.equal(hashStruct({ data: message, primaryType, types: own }), vector.struct_hash)
    assert.equal(hashTypedData({ domain, types: own, primaryType, message }), vector.digest)
    const signed = { domain, types: own, primaryType, message, signature: vector.signature }
    assert.equal(await recoverTypedDataAddress(signed), vector.signer)
    // Deterministic signatures (RFC 6979): another implementation makes the same bytes.
    const account = privateKeyToAccount(vector.key)
    assert.equal(await account.signTypedData({ domain, types: own, primaryType, message }), vector.signature)
  })
}
