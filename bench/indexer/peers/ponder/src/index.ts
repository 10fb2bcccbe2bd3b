// SPDX-License-Identifier: Apache-2.0
import { ponder } from "ponder:registry";
import { holding, transfer } from "ponder:schema";

const NOBODY = "0x0000000000000000000000000000000000000000";

ponder.on("Token:Transfer", async ({ event, context }) => {
  const { sender, receiver, value } = event.args;
  await context.db.insert(transfer).values({ id: event.id, sender, receiver, value, block: event.block.number });
  await context.db
    .insert(holding)
    .values({ holder: receiver, balance: value })
    .onConflictDoUpdate((row) => ({ balance: row.balance + value }));
  if (sender !== NOBODY) {
    await context.db
      .insert(holding)
      .values({ holder: sender, balance: -value })
      .onConflictDoUpdate((row) => ({ balance: row.balance - value }));
  }
});
