// SPDX-License-Identifier: Apache-2.0
// npm's build of solc, answering as the native one does: `--version`, and standard JSON from standard input.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const solc = createRequire(process.env.SOLC_ROOT + "/package.json")("solc");
if (process.argv.includes("--version")) {
  console.log("solc, the solidity compiler commandline interface");
  console.log(`Version: ${solc.version()}`);
} else {
  console.log(solc.compile(readFileSync(0, "utf8")));
}
