// SPDX-License-Identifier: Apache-2.0
// What a dApp does with the client, types checked; prints what it found as JSON.
import { Indexer, Problem, type Offer, type Verdict } from "./ipto.js";

const [base, work, holder] = process.argv.slice(2) as [string, string, string];
const indexer = new Indexer(base);

const status = await indexer.getStatus();
const offers: Offer[] = [];
for await (const offer of indexer.all<Offer, { limit?: number; cursor?: string | null }>(indexer.listOffers, { limit: 1 })) {
  offers.push(offer);
}
const verdict: Verdict = await indexer.verify({ holder, work, usage: "TRAIN", aspect: "FOOTAGE" });
let refused = "";
try {
  await indexer.getWork("nonsense");
} catch (error) {
  if (error instanceof Problem) refused = `${error.status} ${error.type}`;
}
console.log(JSON.stringify({
  block: status.indexed?.block,
  prices: offers.map((offer) => offer.price.amount),
  title: (await indexer.getWork(work)).metadata?.title,
  permitted: verdict.permitted,
  refused,
}));
