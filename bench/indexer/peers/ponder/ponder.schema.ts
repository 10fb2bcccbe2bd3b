// SPDX-License-Identifier: Apache-2.0
import { index, onchainTable } from "ponder";

export const holding = onchainTable("holding", (t) => ({
  holder: t.hex().primaryKey(),
  balance: t.bigint().notNull(),
}));

export const transfer = onchainTable(
  "transfer",
  (t) => ({
    id: t.text().primaryKey(),
    sender: t.hex().notNull(),
    receiver: t.hex().notNull(),
    value: t.bigint().notNull(),
    block: t.bigint().notNull(),
  }),
  (table) => ({ receiverIdx: index().on(table.receiver) }),
);
