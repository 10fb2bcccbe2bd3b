// SPDX-License-Identifier: Apache-2.0
const { Token } = require("../generated");

const NOBODY = "0x0000000000000000000000000000000000000000";

Token.Transfer.handler(async ({ event, context }) => {
  const { sender, receiver, value } = event.params;
  context.TransferRow.set({
    id: `${event.block.number}_${event.logIndex}`,
    sender,
    receiver,
    value,
    block: event.block.number,
  });
  const to = await context.Holding.get(receiver);
  context.Holding.set({ id: receiver, balance: (to ? to.balance : 0n) + value });
  if (sender !== NOBODY) {
    const from = await context.Holding.get(sender);
    context.Holding.set({ id: sender, balance: (from ? from.balance : 0n) - value });
  }
});
