// SPDX-License-Identifier: Apache-2.0
import { createConfig } from "ponder";

const bench = JSON.parse(process.env.BENCH_CASE!);

export default createConfig({
  database: { kind: "postgres", connectionString: process.env.DATABASE_URL! },
  chains: {
    anvil: { id: 31337, rpc: process.env.BENCH_RPC!, maxRequestsPerSecond: 10_000 },
  },
  contracts: {
    Token: { chain: "anvil", abi: bench.abi, address: bench.token, startBlock: bench.first, endBlock: bench.last },
  },
});
