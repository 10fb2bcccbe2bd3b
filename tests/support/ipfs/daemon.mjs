// SPDX-License-Identifier: Apache-2.0
// A private IPFS node that serves /api/v0 on a loopback port and talks to nobody.
//     node daemon.mjs PACKAGES REPO
// PACKAGES holds node_modules. Prints "ready ADDRESS" once it answers and ends when its standard input closes.
import { pathToFileURL } from 'node:url'

// Two packages expect it, and Node has it from version 22 on.
Promise.withResolvers ??= () => {
  const made = {}
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }))
  return made
}

const [packages, repo] = process.argv.slice(2)
const load = (path) => import(pathToFileURL(`${packages}/node_modules/${path}`))
const { create } = await load('ipfs-core/src/index.js')
const { HttpApi } = await load('ipfs-http-server/src/index.js')

const node = await create({
  repo,
  offline: true,
  silent: true,
  init: { algorithm: 'Ed25519', emptyRepo: true },
  preload: { enabled: false },
  config: {
    Addresses: { Swarm: [], Announce: [], API: '/ip4/127.0.0.1/tcp/0', Gateway: '', Delegates: [] },
    Bootstrap: [],
    Discovery: { MDNS: { Enabled: false }, webRTCStar: { Enabled: false } },
    Routing: { Type: 'none' }
  }
})
const api = new HttpApi(node)
await api.start()
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
console.log(`ready ${api._apiServers[0].info.ma}`)
