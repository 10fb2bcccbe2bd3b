// SPDX-License-Identifier: Apache-2.0
// Made from the indexer's OpenAPI description by `python -m indexer typescript`. Do not edit.

export class Problem extends Error {
  constructor(readonly status: number, readonly type: string, readonly title: string, detail: string) {
    super(detail);
  }
}

type Query = Record<string, string | number | boolean | readonly string[] | null | undefined>;

/** An account of the vault. */
export interface Account {
  /** 32 bytes, 0x hex. */
  account: string;
  kind: "address" | "split" | "sub_account" | "invitation" | "unknown";
  address: string | null;
}

/** An account and its money. */
export interface AccountState {
  account: Account;
  /** Where its payments go instead. */
  redirect: string | null;
  /** Of an invitation: who accepted it and is paid. */
  accepted_by: string | null;
  balances: Balance[];
  splits: Membership[];
}

/** What a buyer acknowledges; `hash` is `acknowledged` of `mint`. */
export interface Acknowledge {
  terms: string;
  cultural: string;
  claim_rank: number;
  hash: string;
}

/** A model whose usage is reported. */
export interface AiModel {
  id: string;
  developer: string;
  card: string;
  registered_at: number;
  /** What it was trained on, by digest; the newest 100. */
  manifests: Manifest[];
  finality: Finality;
}

/** Money, exactly. */
export interface Amount {
  /** In the smallest unit, decimal. */
  amount: string;
  /** ERC-20 address; ETH is 0xEeee…EEeE (ERC-7528). */
  currency: string;
  /** As the token says; null when it does not, or was not asked yet. */
  symbol: string | null;
  decimals: number | null;
}

export type AspectName = "FOOTAGE" | "CHOREOGRAPHY" | "PERFORMANCE" | "VISUAL_STYLE" | "CINEMATOGRAPHY" | "CHARACTER_DESIGN" | "EDITING" | "CULTURAL_ELEMENTS" | "SOUND";

/** Somebody's word on something. */
export interface Attestation {
  id: string;
  attester: string;
  subject: string;
  schema_digest: string;
  evidence: string | null;
  attested_at: number;
  revoked_at: number | null;
  finality: Finality;
}

/** An account's money in one currency. earned = credited + booked_in + from_splits; */
export interface Balance {
  currency: string;
  /** Still booked: what `withdraw` would pay. */
  balance: Amount;
  earned: Amount;
  /** From sales, directly. */
  credited: Amount;
  booked_in: Amount;
  /** As a recipient of splits, sent or booked. */
  from_splits: Amount;
  /** Left the vault: withdrawn, or sent by a split. */
  paid_out: Amount;
  booked_out: Amount;
  /** As a split: given to its recipients. */
  distributed: Amount;
  finality: Finality;
}

/** An eth_call that gives the same answer without this server. */
export interface Call {
  contract: string;
  address: string | null;
  function: string;
  arguments: unknown[];
}

/** A dispute. */
export interface Case {
  id: string;
  opener: string;
  respondent: string | null;
  effect: string;
  subject: string;
  subject_hex: string;
  target: string;
  market: string | null;
  phase: string;
  outcome: string | null;
  remedy: string | null;
  reasons: string | null;
  answered: boolean;
  executed: boolean;
  settled: boolean;
  opened_at: number;
  ruled_at: number | null;
  executable_at: number | null;
  /** Not in lists. */
  evidence: Evidence[];
  /** Not in lists. */
  panel: Panel | null;
  /** Not in lists. */
  votes: Vote[];
  /** Not in lists. */
  hold_votes: HoldVote[];
  /** Not in lists. */
  holds: Hold[];
  finality: Finality;
}

/** How many have a value. */
export interface Count {
  value: string;
  count: number;
}

/** Offers under equal terms, licensed by one purchase. */
export interface Dataset {
  id: string;
  curator: string;
  usages: string[];
  aspects: string[];
  forbids: string[];
  /** null: perpetual. */
  term_seconds: number | null;
  revenue_share_bps: number;
  unit: string | null;
  unit_price: Amount | null;
  report_every_seconds: number | null;
  after_term: string | null;
  /** On top of the members' prices. */
  curator_fee_bps: number;
  /** A private dataset's only buyer. */
  licensee: string | null;
  terms: Document | null;
  salt: string;
  /** UTC seconds. */
  opened_at: number;
  /** Pass it to `mint` as `expected_state`: then you buy these members and no others. */
  state: string;
  members: number;
  /** Sum of the members' prices now. */
  price: Amount;
  curator_fee: Amount;
  fee: Amount;
  /** What a license costs now. */
  total: Amount;
  sales: number;
  /** For members, of all sales. */
  earned: Amount;
  /** Settled to members so far. */
  collected: Amount;
  finality: Finality;
}

/** A license of all works that were members at its sale. */
export interface DatasetLicense {
  id: string;
  id_hex: string;
  dataset: string;
  /** Of the sale, from 1. */
  number: number;
  holder: string;
  licensee: string;
  payer: string;
  members: number;
  price: Amount;
  curator_fee: Amount;
  fee: Amount;
  issued_at: number;
  expires_at: number | null;
  running: boolean;
  ended: boolean;
  transferable: boolean;
  party: string;
  /** The state of the members it was sold in. */
  state: string;
  finality: Finality;
}

/** A document by its digest. */
export interface Document {
  /** SHA-256, as on the chain. */
  digest: string;
  /** The same as a CIDv1 (raw), for any IPFS node. */
  cid: string;
  state: "pending" | "resolved" | "invalid" | "missing";
  title: string | null;
  error: string | null;
  /** The document, checked against its digest; not in lists. */
  content?: Record<string, unknown> | null;
}

/** A license that owes usage reports. */
export interface Duty {
  license: string;
  license_hex: string;
  kind: "offer" | "dataset";
  /** The offer's or dataset's id. */
  subject: string;
  holder: string | null;
  report_every_seconds: number;
  reported_through: number;
  reports: number;
  late: number;
  void: number;
  /** Grace included; null after a final report. */
  due_at: number | null;
  overdue: boolean;
  in_good_standing: boolean;
  finality: Finality;
}

/** What a work brought. */
export interface Earnings {
  work: string;
  work_hex: string;
  sales: Sales[];
}

/** A log of the protocol. */
export interface Event {
  contract: string;
  /** null: not in the ABI. */
  name: string | null;
  /** Numbers above 53 bits are decimal strings. */
  args: Record<string, unknown>;
  block: number;
  log_index: number;
  at: number;
  transaction: string;
  finality: Finality;
}

/** Evidence, by its digest. */
export interface Evidence {
  digest: string;
  by: string;
  block: number;
}

/** What there is, by how many works (or live offers) have it. */
export interface Facets {
  cultures: Count[];
  tags: Count[];
  languages: Count[];
  /** Of live offers; counted over the newest 20000. */
  usages: Count[];
  aspects: Count[];
}

/** The protocol's fee on top of prices. */
export interface Fee {
  bps: number;
  recipient: string | null;
}

/** How settled an object is: the block of its last change. */
export interface Finality {
  block: number;
  hash: string;
  /** Blocks from that one to the newest indexed one, both counted. */
  confirmations: number;
  final: boolean;
}

/** Works, best match first. */
export interface Found {
  items: Work[];
  indexed: Indexed;
}

/** A license that permits it, or why one does not. */
export interface Ground {
  /** license or dataset_license. */
  kind: string;
  license: string;
  work: string;
  offer: string;
  dataset: string | null;
  spell: number | null;
  permits: boolean;
  /** Why not; empty when it does. */
  reasons: string[];
  issued_at: number;
  expires_at: number | null;
  evidence: Call;
  finality: Finality;
}

/** Earnings by group. */
export interface Grouped {
  account: Account | null;
  by: string;
  lines: Line[];
  /** False when there were more sales than one answer looks at: narrow the time. */
  complete: boolean;
  indexed: Indexed;
}

/** The process lives. */
export interface Health {
  status: "ok";
}

/** A hold while a case runs. */
export interface Hold {
  /** By the arbiter; else asked for by the opener. */
  ordered: boolean;
  /** null: over. */
  until: number | null;
}

/** A panel member's last word on a hold; votes count anew once a hold was decided. */
export interface HoldVote {
  member: string;
  held: boolean;
}

/** The block an answer is of. */
export interface Indexed {
  block: number;
  hash: string;
}

/** A block and when it was made. */
export interface IndexedBlock {
  block: number;
  hash: string;
  timestamp: number;
}

/** One movement of an account's money. */
export interface LedgerLine {
  account: Account;
  kind: "credited" | "booked_in" | "booked_out" | "distributed" | "share_booked" | "share_sent" | "withdrawn" | "refused";
  amount: Amount;
  /** Whom it came from or went to: a market, a split, an address. */
  other: Account;
  /** UTC seconds. */
  at: number;
  transaction: string;
  finality: Finality;
}

/** A license that was sold. */
export interface License {
  id: string;
  id_hex: string;
  offer: string;
  work: string;
  work_hex: string;
  holder: string;
  licensee: string;
  payer: string;
  payee: Account;
  price: Amount;
  fee: Amount;
  total: Amount;
  issued_at: number;
  expires_at: number | null;
  /** Whether its term is not over. */
  running: boolean;
  /** A ruling ended it. */
  ended: boolean;
  transferable: boolean;
  usages: string[];
  aspects: string[];
  forbids: string[];
  scene: Scene | null;
  terms: string | null;
  /** The cultural notice its buyer acknowledged. */
  cultural: string | null;
  claim_rank: number;
  party: string;
  finality: Finality;
}

/** One group in one currency. */
export interface Line {
  /** A day (UTC), a work's id, usages joined by +, or an address. */
  key: string;
  licenses: number;
  amount: Amount;
}

/** A training manifest. */
export interface Manifest {
  digest: string;
  committed_at: number;
}

/** A spell of an offer in a dataset: it covers the sales after `joined` up to and including `last`. */
export interface Member {
  dataset: string;
  offer: string;
  work: string;
  work_hex: string;
  spell: number;
  /** Sales before it. */
  joined: number;
  /** The last sale it covers; null while it is a member. */
  last: number | null;
  price: Amount;
  cultural: string | null;
  joined_at: number;
  left_at: number | null;
  left_because: "taken_out" | "expelled" | null;
  scene: Scene | null;
  /** Of its offer: at least the dataset's. */
  usages: string[];
  aspects: string[];
  finality: Finality;
}

/** A split an account has a share of. */
export interface Membership {
  split: string;
  /** Parts of 1,000,000. */
  share: number;
}

/** The protocol in numbers. */
export interface Network {
  works: number;
  offers: number;
  licenses: number;
  datasets: number;
  dataset_licenses: number;
  ai_models: number;
  reports: number;
  disputes: number;
  splits: number;
  /** Prices of all licenses of works and datasets. */
  sold: Amount[];
  fees: Amount[];
  indexed: Indexed;
}

/** What may be done with which part of a work, under which terms, for how much. */
export interface Offer {
  id: string;
  work: string;
  work_hex: string;
  licensor: string;
  /** Whether `mint` would sell it now to an admitted licensee. */
  live: boolean;
  /** Why not. */
  blocked_by: string[];
  usages: string[];
  aspects: string[];
  forbids: string[];
  scene: Scene;
  price: Amount;
  /** null: perpetual. */
  term_seconds: number | null;
  revenue_share_bps: number;
  unit: string | null;
  unit_price: Amount | null;
  report_every_seconds: number | null;
  after_term: string | null;
  /** null: unlimited. */
  supply: number | null;
  sold: number;
  /** A private offer's only buyer. */
  licensee: string | null;
  opens_at: number;
  closes_at: number | null;
  flags: string[];
  terms: Document | null;
  posted_at: number;
  quote: Quote | null;
  /** The whole struct, as `mint` takes it; the id is its hash. */
  chain: Record<string, unknown>;
  finality: Finality;
}

export interface PageOfAiModel {
  items: AiModel[];
  /** Cursor of the next page; null at the end. */
  next: string | null;
  indexed: Indexed;
}

export interface PageOfAttestation {
  items: Attestation[];
  /** Cursor of the next page; null at the end. */
  next: string | null;
  indexed: Indexed;
}

export interface PageOfCase {
  items: Case[];
  /** Cursor of the next page; null at the end. */
  next: string | null;
  indexed: Indexed;
}

export interface PageOfDatasetLicense {
  items: DatasetLicense[];
  /** Cursor of the next page; null at the end. */
  next: string | null;
  indexed: Indexed;
}

export interface PageOfDataset {
  items: Dataset[];
  /** Cursor of the next page; null at the end. */
  next: string | null;
  indexed: Indexed;
}

export interface PageOfDuty {
  items: Duty[];
  /** Cursor of the next page; null at the end. */
  next: string | null;
  indexed: Indexed;
}

export interface PageOfEvent {
  items: Event[];
  /** Cursor of the next page; null at the end. */
  next: string | null;
  indexed: Indexed;
}

export interface PageOfLedgerLine {
  items: LedgerLine[];
  /** Cursor of the next page; null at the end. */
  next: string | null;
  indexed: Indexed;
}

export interface PageOfLicense {
  items: License[];
  /** Cursor of the next page; null at the end. */
  next: string | null;
  indexed: Indexed;
}

export interface PageOfMember {
  items: Member[];
  /** Cursor of the next page; null at the end. */
  next: string | null;
  indexed: Indexed;
}

export interface PageOfOffer {
  items: Offer[];
  /** Cursor of the next page; null at the end. */
  next: string | null;
  indexed: Indexed;
}

export interface PageOfReport {
  items: Report[];
  /** Cursor of the next page; null at the end. */
  next: string | null;
  indexed: Indexed;
}

export interface PageOfRestingBalance {
  items: RestingBalance[];
  /** Cursor of the next page; null at the end. */
  next: string | null;
  indexed: Indexed;
}

export interface PageOfSplit {
  items: Split[];
  /** Cursor of the next page; null at the end. */
  next: string | null;
  indexed: Indexed;
}

export interface PageOfUsagePayment {
  items: UsagePayment[];
  /** Cursor of the next page; null at the end. */
  next: string | null;
  indexed: Indexed;
}

export interface PageOfWork {
  items: Work[];
  /** Cursor of the next page; null at the end. */
  next: string | null;
  indexed: Indexed;
}

/** Who judges a case. */
export interface Panel {
  number: number;
  /** Equal votes that decide. */
  quorum: number;
  members: string[];
}

/** A person's part of a work's sales. */
export interface Part {
  account: Account;
  /** Parts of 1,000,000. */
  share: number;
  /** share × price, rounded down; paid out when the split is. */
  amount: Amount;
}

/** An error. */
export interface ProblemModel {
  /** A stable name. */
  type: string;
  title: string;
  status: number;
  /** What happened and what to do. */
  detail: string;
}

/** What is to be done, by whom, with which file. */
export interface Question {
  /** Address of whoever wants to use it. */
  holder: string;
  /** SHA-256 of the master file, 0x hex. */
  content?: string | null;
  /** Or the work's id. */
  work?: string | null;
  usage: UsageName;
  aspect: AspectName;
  start_ms?: number;
  /** Exclusive; null: to the end. */
  end_ms?: number | null;
  /** UTC seconds; null: now. */
  at?: number | null;
}

/** What a license costs now. */
export interface Quote {
  price: Amount;
  fee: Amount;
  total: Amount;
  fee_bps: number;
  payee: Account;
  acknowledge: Acknowledge;
}

/** The database is at the head of the chain. */
export interface Ready {
  status: "ready";
  lag: number;
}

/** What a recipient had from a split. */
export interface Received {
  amount: Amount;
  /** The part that was sent out at once; the rest was booked. */
  sent: Amount;
}

/** One recipient of a split. */
export interface Recipient {
  account: Account;
  /** Parts of 1,000,000. */
  share: number;
  received: Received[];
}

/** A usage report. */
export interface Report {
  id: string;
  license: string;
  license_hex: string;
  market: string;
  model: string | null;
  reporter: string;
  number: number;
  since: number;
  through: number;
  total: Amount;
  /** Claimed so far, over its life. */
  paid: Amount;
  /** What its present tree shares out: after a ruling, what was left then. */
  shared: Amount;
  /** Claimed of that. */
  shared_paid: Amount;
  claims: number;
  root: string | null;
  manifest: string | null;
  flags: ("FINAL" | "LATE" | "SUPPLEMENT" | "HELD" | "VOID" | "CORRECTED" | "RESTATED")[];
  /** When claims open; null while held or void. */
  opens_at: number | null;
  reported_at: number;
  finality: Finality;
}

/** What is booked to an account in one currency. */
export interface RestingBalance {
  account: Account;
  balance: Amount;
  /** All that ever left the account: it rises with every payout. */
  left_before: Amount;
  /** null: not a split, or one that was never declared. */
  split: SplitPreimage | null;
  finality: Finality;
}

/** What a work sold in one currency for one payee. */
export interface Sales {
  payee: Account;
  licenses: number;
  price: Amount;
  fee: Amount;
  people: Part[];
  finality: Finality;
}

/** A stretch of a work, in milliseconds; end exclusive, null when it is the whole. */
export interface Scene {
  whole: boolean;
  start_ms: number;
  end_ms: number | null;
}

/** How money is divided. */
export interface Split {
  split: string;
  /** May approve that a work moves away; null: nobody. */
  controller: string | null;
  recipients: Recipient[];
  /** Not in lists. */
  balances: Balance[];
  finality: Finality;
}

/** A split as `pay_out` of the vault takes it. */
export interface SplitPreimage {
  controller: string | null;
  shares: SplitShare[];
}

/** One recipient of a split. */
export interface SplitShare {
  /** 32 bytes, 0x hex. */
  account: string;
  /** Of 1,000,000. */
  share: number;
}

/** What the indexer knows and how fresh it is. */
export interface Status {
  chain_id: number;
  schema_version: number;
  contracts: Record<string, unknown>;
  start_block: number;
  /** The newest block the follower has seen. */
  head: number | null;
  indexed: IndexedBlock | null;
  final: number | null;
  /** Blocks between head and indexed. */
  lag: number | null;
  ready: boolean;
  /** What keeps the follower, when something does. */
  error: string | null;
  fee: Fee;
  registrations_paused: boolean;
  sales_paused: boolean;
  gate_closed: boolean;
}

/** A work's community authority. */
export interface Steward {
  /** Address, EIP-55. */
  address: string;
  accepted: boolean;
}

export type UsageName = "TRAIN" | "FINE_TUNE" | "AI_INPUT" | "EVALUATE" | "INDEX" | "GENERATE_COMMERCIAL" | "GENERATE_NONCOMMERCIAL" | "ADAPT";

/** A share of a report that was paid. */
export interface UsagePayment {
  report: string;
  work: string;
  work_hex: string;
  account: Account;
  offer: string;
  index: number;
  amount: Amount;
  at: number;
  transaction: string;
  finality: Finality;
}

/** The answer. `permitted` is true when a license permits it at that time. */
export interface Verdict {
  permitted: boolean;
  holder: string;
  at: number;
  /** Claims on the file. */
  works: string[];
  grounds: Ground[];
  /** False when the holder has more licenses than were looked at. */
  complete: boolean;
  indexed: Indexed;
}

/** A panel member's vote. */
export interface Vote {
  member: string;
  outcome: string;
  remedy: string | null;
  reasons: string | null;
}

/** A claim on a video. */
export interface Work {
  /** Decimal. */
  id: string;
  id_hex: string;
  /** Address, EIP-55. */
  creator: string;
  /** Address, EIP-55. */
  owner: string;
  /** UTC seconds. */
  owned_since: number;
  /** UTC seconds. */
  registered_at: number;
  /** SHA-256 of the master file. */
  content: string;
  metadata: Document | null;
  cultural: Document | null;
  /** Who is paid for licenses. */
  payee: Account;
  steward: Steward | null;
  duration_ms: number;
  /** Aspects whose rights the claimant declares to control. */
  cleared: string[];
  /** Another account claimed this content more than a day earlier. */
  later_claim: boolean;
  /** Dispute resolution holds it: nothing of it is sold, collected or claimed. */
  held: boolean;
  held_until: number | null;
  /** Licenses issued before this time stopped permitting, by a ruling. */
  clean_since: number | null;
  finality: Finality;
}

export class Indexer {
  /** base: where the indexer is, for instance http://127.0.0.1:8610 */
  constructor(private readonly base: string, private readonly request: typeof fetch = (...a) => fetch(...a)) {}

  private async ask<T>(method: string, path: string, query: Query = {}, body?: unknown): Promise<T> {
    const url = new URL(this.base.replace(/\/$/, "") + path);
    for (const [name, value] of Object.entries(query)) {
      if (value === undefined || value === null) continue;
      for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(one));
    }
    const init: RequestInit = body === undefined
      ? { method }
      : { method, body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    const answer = await this.request(url, init);
    const found = await answer.json();
    if (!answer.ok) throw new Problem(answer.status, found.type, found.title, found.detail);
    return found as T;
  }

  /** All items of a list, page after page. */
  async *all<T, Q extends { cursor?: string | null }>(
    list: (query: Q) => Promise<{ items: T[]; next: string | null }>, query: Q,
  ): AsyncGenerator<T> {
    let cursor: string | null = null;
    do {
      const page: { items: T[]; next: string | null } = await list.call(this, { ...query, cursor });
      yield* page.items;
      cursor = page.next;
    } while (cursor !== null);
  }

  /** Works, by owner, creator or content. */
  listWorks(query: { limit?: number | null; cursor?: string | null; order?: "newest" | "oldest" | null; owner?: string | null; creator?: string | null; content?: string | null; steward?: string | null; culture?: string | null; verified_by?: string | null; verified_schema?: string | null; min_block?: number | null } = {}): Promise<PageOfWork> {
    return this.ask("GET", `/v1/works`, query);
  }

  /** One work, with its documents. */
  getWork(work: string, query: { min_block?: number | null } = {}): Promise<Work> {
    return this.ask("GET", `/v1/works/${encodeURIComponent(work)}`, query);
  }

  /** Offers, by what they permit, cost and belong to. */
  listOffers(query: { limit?: number | null; cursor?: string | null; order?: "newest" | "oldest" | null; work?: string | null; licensor?: string | null; usage?: UsageName[] | null; aspect?: AspectName[] | null; currency?: string | null; max_price?: string | null; live?: boolean | null; min_scene_ms?: number | null; max_scene_ms?: number | null; min_term?: number | null; max_term?: number | null; culture?: string | null; steward?: string | null; verified_by?: string | null; verified_schema?: string | null; min_block?: number | null } = {}): Promise<PageOfOffer> {
    return this.ask("GET", `/v1/offers`, query);
  }

  /** One offer, with its terms, a quote and the struct to pass to `mint`. */
  getOffer(offer: string, query: { min_block?: number | null } = {}): Promise<Offer> {
    return this.ask("GET", `/v1/offers/${encodeURIComponent(offer)}`, query);
  }

  /** Licenses, by holder, work or offer. */
  listLicenses(query: { limit?: number | null; cursor?: string | null; order?: "newest" | "oldest" | null; holder?: string | null; work?: string | null; offer?: string | null; valid_at?: number | null; min_block?: number | null } = {}): Promise<PageOfLicense> {
    return this.ask("GET", `/v1/licenses`, query);
  }

  /** One license. */
  getLicense(license: string, query: { min_block?: number | null } = {}): Promise<License> {
    return this.ask("GET", `/v1/licenses/${encodeURIComponent(license)}`, query);
  }

  /** Datasets, by curator, currency and what they permit. */
  listDatasets(query: { limit?: number | null; cursor?: string | null; order?: "newest" | "oldest" | null; curator?: string | null; currency?: string | null; usage?: UsageName[] | null; aspect?: AspectName[] | null; min_members?: number | null; min_block?: number | null } = {}): Promise<PageOfDataset> {
    return this.ask("GET", `/v1/datasets`, query);
  }

  /** One dataset, with its terms and what a license costs now. */
  getDataset(dataset: string, query: { min_block?: number | null } = {}): Promise<Dataset> {
    return this.ask("GET", `/v1/datasets/${encodeURIComponent(dataset)}`, query);
  }

  /** A dataset's members, present and former, each stay by itself. */
  listMembers(dataset: string, query: { limit?: number | null; cursor?: string | null; order?: "newest" | "oldest" | null; current?: boolean | null; work?: string | null; min_block?: number | null } = {}): Promise<PageOfMember> {
    return this.ask("GET", `/v1/datasets/${encodeURIComponent(dataset)}/members`, query);
  }

  /** Licenses of datasets, by holder or dataset. */
  listDatasetLicenses(query: { limit?: number | null; cursor?: string | null; order?: "newest" | "oldest" | null; holder?: string | null; dataset?: string | null; work?: string | null; valid_at?: number | null; min_block?: number | null } = {}): Promise<PageOfDatasetLicense> {
    return this.ask("GET", `/v1/dataset-licenses`, query);
  }

  /** One license of a dataset. */
  getDatasetLicense(license: string, query: { min_block?: number | null } = {}): Promise<DatasetLicense> {
    return this.ask("GET", `/v1/dataset-licenses/${encodeURIComponent(license)}`, query);
  }

  /** What a license of a dataset covers: the members at its sale, as `covers` of the market says. */
  listCovered(license: string, query: { limit?: number | null; cursor?: string | null; order?: "newest" | "oldest" | null; min_block?: number | null } = {}): Promise<PageOfMember> {
    return this.ask("GET", `/v1/dataset-licenses/${encodeURIComponent(license)}/members`, query);
  }

  /** Registered models. */
  listModels(query: { limit?: number | null; cursor?: string | null; order?: "newest" | "oldest" | null; developer?: string | null; min_block?: number | null } = {}): Promise<PageOfAiModel> {
    return this.ask("GET", `/v1/models`, query);
  }

  /** One model and what it was trained on. */
  getModel(model: string, query: { min_block?: number | null } = {}): Promise<AiModel> {
    return this.ask("GET", `/v1/models/${encodeURIComponent(model)}`, query);
  }

  /** Usage reports, by license, model, reporter and state. */
  listReports(query: { limit?: number | null; cursor?: string | null; order?: "newest" | "oldest" | null; license?: string | null; model?: string | null; reporter?: string | null; state?: "open" | "claimable" | "held" | "void" | null; min_block?: number | null } = {}): Promise<PageOfReport> {
    return this.ask("GET", `/v1/reports`, query);
  }

  /** One report. */
  getReport(report: string, query: { min_block?: number | null } = {}): Promise<Report> {
    return this.ask("GET", `/v1/reports/${encodeURIComponent(report)}`, query);
  }

  /** Shares of reports that were paid, by report, work or account. */
  listUsagePayments(query: { limit?: number | null; cursor?: string | null; order?: "newest" | "oldest" | null; report?: string | null; work?: string | null; account?: string | null; min_block?: number | null } = {}): Promise<PageOfUsagePayment> {
    return this.ask("GET", `/v1/usage-payments`, query);
  }

  /** Licenses that owe usage reports: when the next is due, and who is overdue. */
  listDuties(query: { limit?: number | null; cursor?: string | null; order?: "newest" | "oldest" | null; license?: string | null; subject?: string | null; overdue?: boolean | null; due_before?: number | null; min_block?: number | null } = {}): Promise<PageOfDuty> {
    return this.ask("GET", `/v1/duties`, query);
  }

  /** Disputes, by subject, party and phase. */
  listDisputes(query: { limit?: number | null; cursor?: string | null; order?: "newest" | "oldest" | null; subject?: string | null; opener?: string | null; respondent?: string | null; phase?: "OPEN" | "REFERRED" | "RULED" | "WITHDRAWN" | "LAPSED" | null; min_block?: number | null } = {}): Promise<PageOfCase> {
    return this.ask("GET", `/v1/disputes`, query);
  }

  /** One dispute, with evidence, votes and holds. */
  getDispute(caseId: string, query: { min_block?: number | null } = {}): Promise<Case> {
    return this.ask("GET", `/v1/disputes/${encodeURIComponent(caseId)}`, query);
  }

  /** Who vouches for what, by subject, attester and schema. */
  listAttestations(query: { limit?: number | null; cursor?: string | null; order?: "newest" | "oldest" | null; subject?: string | null; attester?: string | null; schema_digest?: string | null; standing?: boolean | null; min_block?: number | null } = {}): Promise<PageOfAttestation> {
    return this.ask("GET", `/v1/attestations`, query);
  }

  /** One attestation. */
  getAttestation(attestation: string, query: { min_block?: number | null } = {}): Promise<Attestation> {
    return this.ask("GET", `/v1/attestations/${encodeURIComponent(attestation)}`, query);
  }

  /** An account's balances: earned, paid out, still booked. One that nothing ever happened to has none. */
  getAccount(account: string, query: { min_block?: number | null } = {}): Promise<AccountState> {
    return this.ask("GET", `/v1/accounts/${encodeURIComponent(account)}`, query);
  }

  /** Every movement of an account's money. */
  listLedger(account: string, query: { limit?: number | null; cursor?: string | null; order?: "newest" | "oldest" | null; currency?: string | null; kind?: "credited" | "booked_in" | "booked_out" | "distributed" | "share_booked" | "share_sent" | "withdrawn" | "refused" | null; min_block?: number | null } = {}): Promise<PageOfLedgerLine> {
    return this.ask("GET", `/v1/accounts/${encodeURIComponent(account)}/ledger`, query);
  }

  /** Money that left the vault: shares sent by splits, and withdrawals. */
  listPayouts(query: { limit?: number | null; cursor?: string | null; order?: "newest" | "oldest" | null; account?: string | null; currency?: string | null; min_block?: number | null } = {}): Promise<PageOfLedgerLine> {
    return this.ask("GET", `/v1/payouts`, query);
  }

  /** Splits, by recipient. */
  listSplits(query: { limit?: number | null; cursor?: string | null; order?: "newest" | "oldest" | null; account?: string | null; min_block?: number | null } = {}): Promise<PageOfSplit> {
    return this.ask("GET", `/v1/splits`, query);
  }

  /** One split: its recipients, what each has had, and what is still to be divided. */
  getSplit(split: string, query: { min_block?: number | null } = {}): Promise<Split> {
    return this.ask("GET", `/v1/splits/${encodeURIComponent(split)}`, query);
  }

  /** What a work's licenses brought, and each person's part of it. */
  getEarnings(work: string, query: { min_block?: number | null } = {}): Promise<Earnings> {
    return this.ask("GET", `/v1/works/${encodeURIComponent(work)}/earnings`, query);
  }

  /** Balances above zero of people, splits and invited people, by account. A page can be shorter than its limit */
  listBalances(query: { limit?: number | null; cursor?: string | null; min_block?: number | null } = {}): Promise<PageOfRestingBalance> {
    return this.ask("GET", `/v1/balances`, query);
  }

  /** Works whose title, credits, culture or tags have all the words. */
  searchWorks(query: { q: string; limit?: number | null; culture?: string | null; tag?: string | null; min_block?: number | null }): Promise<Found> {
    return this.ask("GET", `/v1/search`, query);
  }

  /** What can be filtered by, and how much there is of it. */
  getFacets(query: { min_block?: number | null } = {}): Promise<Facets> {
    return this.ask("GET", `/v1/facets`, query);
  }

  /** May this holder do this with this file? For an answer that counts, make the calls it names. */
  verify(body: Question, query: { min_block?: number | null } = {}): Promise<Verdict> {
    return this.ask("POST", `/v1/verify`, query, body);
  }

  /** What the licenses of works this account registered, or that name it as payee, brought. */
  getCreatorAnalytics(account: string, query: { by?: "day" | "work" | "usage" | "licensee" | null; since?: number | null; until?: number | null; format?: "json" | "csv" | null; min_block?: number | null } = {}): Promise<Grouped> {
    return this.ask("GET", `/v1/analytics/creators/${encodeURIComponent(account)}`, query);
  }

  /** Counts and sums over everything. */
  getNetwork(query: { min_block?: number | null } = {}): Promise<Network> {
    return this.ask("GET", `/v1/analytics/network`, query);
  }

  /** What all licenses of works brought. */
  getSales(query: { by?: "day" | "work" | "usage" | "licensee" | null; since?: number | null; until?: number | null; format?: "json" | "csv" | null; min_block?: number | null } = {}): Promise<Grouped> {
    return this.ask("GET", `/v1/analytics/sales`, query);
  }

  /** Everything that happened, or what happened to one work. */
  listEvents(query: { limit?: number | null; cursor?: string | null; order?: "newest" | "oldest" | null; name?: string | null; contract?: string | null; work?: string | null; transaction?: string | null; from_block?: number | null; to_block?: number | null; min_block?: number | null } = {}): Promise<PageOfEvent> {
    return this.ask("GET", `/v1/events`, query);
  }

  /** The process lives. */
  getHealth(): Promise<Health> {
    return this.ask("GET", `/health`, {});
  }

  /** 200 while the database is at the head of the chain, else 503. */
  getReady(): Promise<Ready> {
    return this.ask("GET", `/ready`, {});
  }

  /** What is indexed and how fresh it is; answers also when nothing is. */
  getStatus(): Promise<Status> {
    return this.ask("GET", `/status`, {});
  }
}
