import { hashPair, hashRecord, headBytes, isSame, NO_HASH } from '../../../proto/index.ts';
import type { Ed25519 } from '../../kernel/ed25519.ts';
import type { TenantId } from '../../kernel/ids.ts';
import {
  ATTEMPTS_MAX,
  BLOCK_LEVEL,
  BLOCK_RECORDS,
  CHAINS_TOGETHER_MAX,
  PLACES_TRIED_MAX,
  PROBLEMS_MAX,
  VERIFIED_TOGETHER,
} from './limits.ts';
import type { ChainReader } from './ports.ts';
import { sha256 } from './sha256.ts';
import { type KeyTools, readSigningKeys } from './signing-keys.ts';
import type { Chain, SealedRecord, SignedHead, TreeNode } from './types.ts';

/** What a witness has kept of a head. */
export type WitnessedHead = Pick<SignedHead, 'tenantId' | 'size' | 'root' | 'signedAtMs' | 'signature'> & {
  readonly publicKey: Uint8Array;
};

/** Something that isn't as it was written. */
export interface AuditProblem {
  readonly tenantId: string;
  /** The record or the size of the head it is about. */
  readonly index: number;
  readonly what: string;
}

/** What was looked at, and what was found. */
export interface VerificationReport {
  readonly logs: number;
  readonly records: number;
  readonly heads: number;
  readonly witnessedHeads: number;
  /** Heads of witnesses about records that are older than what is kept. */
  readonly tooOld: number;
  /** Records that have no place yet, in no log. */
  readonly waiting: number;
  readonly problems: readonly AuditProblem[];
}

/** What a verification needs. */
export interface VerificationDependencies extends KeyTools {
  readonly reader: ChainReader;
}

/**
 * Compares every log with its hashes, its nodes, its signed heads and what witnesses have kept. `tenantId`: of one tenant
 * alone; null: of all.
 */
export async function verifyAudit(
  asked: { readonly tenantId: TenantId | null; readonly witnessed: readonly WitnessedHead[] },
  dependencies: VerificationDependencies,
): Promise<VerificationReport> {
  const { reader, ed25519 } = dependencies;
  const keys = await readSigningKeys(reader, dependencies);
  const chains = await listChains(reader, asked.tenantId);
  const report = { logs: 0, records: 0, heads: 0, witnessedHeads: 0, tooOld: 0 };
  const problems: AuditProblem[] = [];
  for (const chain of chains) {
    const checked = await checkChain(chain, reader, {
      witnessed: asked.witnessed.filter(({ tenantId }) => tenantId === chain.tenantId),
      keyOf: (keyId) => keys.get(keyId)?.publicKey ?? null,
      isSignedBy: ed25519.isSignedBy,
      ours: [...keys.values()].map(({ publicKey }) => publicKey),
    });
    report.logs++;
    report.records += checked.records;
    report.heads += checked.heads;
    report.witnessedHeads += checked.witnessedHeads;
    report.tooOld += checked.tooOld;
    problems.push(...checked.problems);
  }
  for (const head of asked.witnessed) {
    if (asked.tenantId !== null && asked.tenantId !== head.tenantId) continue;
    if (chains.some(({ tenantId }) => tenantId === head.tenantId)) continue;
    const what = `a witness has a head of ${head.size} records, and the whole log is gone`;
    problems.push({ tenantId: head.tenantId, index: head.size, what });
  }
  return { ...report, waiting: await reader.countWaiting(), problems };
}

/**
 * Checks one log while the server may add to its end, and remove from its beginning what retention lets go. The chain says
 * last how long it is: whatever was read before it is within. A beginning that moved meanwhile is read again.
 */
async function checkChain(
  listed: Chain,
  reader: ChainReader,
  keys: Omit<Kept, 'heads' | 'nodes'>,
): Promise<ChainCheck> {
  const { tenantId } = listed;
  for (let attempt = 1; ; attempt++) {
    const [heads, nodes] = [await reader.listEveryHead(tenantId), await reader.listNodes(tenantId)];
    const chain = (await reader.findChain(tenantId)) ?? listed;
    const checked = new ChainCheck(chain, { ...keys, heads, nodes });
    await checked.run(reader);
    const now = (await reader.findChain(tenantId)) ?? chain;
    if (now.firstIndex === chain.firstIndex || attempt === ATTEMPTS_MAX) return checked;
  }
}

async function listChains(reader: ChainReader, tenantId: TenantId | null): Promise<readonly Chain[]> {
  if (tenantId !== null) {
    const chain = await reader.findChain(tenantId);
    return chain === null ? [] : [chain];
  }
  const chains: Chain[] = [];
  for (let page = await reader.listChains(null, CHAINS_TOGETHER_MAX); page.length > 0; ) {
    chains.push(...page);
    page = await reader.listChains((page.at(-1) as Chain).tenantId, CHAINS_TOGETHER_MAX);
  }
  return chains;
}

interface Kept {
  readonly heads: readonly SignedHead[];
  readonly witnessed: readonly WitnessedHead[];
  readonly nodes: readonly TreeNode[];
  readonly keyOf: (keyId: string) => Uint8Array | null;
  readonly ours: readonly Uint8Array[];
  readonly isSignedBy: Ed25519['isSignedBy'];
}

/** A full subtree. */
interface Peak {
  readonly count: number;
  readonly hash: Uint8Array;
}

/** One log under verification: records go by once, in order, and the tree grows beside them. */
class ChainCheck {
  readonly problems: AuditProblem[] = [];
  records = 0;
  heads = 0;
  witnessedHeads = 0;
  tooOld = 0;
  readonly #chain: Chain;
  readonly #kept: Kept;
  /** Records whose hash isn't that of what they say. */
  readonly #changed: SealedRecord[] = [];
  /** Full subtrees of what went by, the largest first. */
  readonly #peaks: Peak[] = [];
  /** Roots after as many records as heads are about. */
  readonly #roots = new Map<number, Uint8Array>();
  /** The hashes that changed records follow now. */
  readonly #links: Uint8Array[] = [];
  /** Records that are there and not counted in the chain. */
  readonly #behind: number[] = [];
  readonly #nodes: ReadonlyMap<string, Uint8Array>;
  #size: number;
  /** The hash of the record before; null: that one is gone. */
  #before: Uint8Array | null;

  constructor(chain: Chain, kept: Kept) {
    this.#chain = chain;
    this.#kept = kept;
    this.#nodes = new Map(kept.nodes.map(({ level, index, hash }) => [`${level} ${index}`, hash]));
    this.#size = chain.firstIndex;
    this.#before = chain.firstIndex === 0 ? NO_HASH : chain.firstFollows;
  }

  async run(reader: ChainReader): Promise<void> {
    const { tenantId, firstIndex, size, lastHash } = this.#chain;
    this.#beginWithNodes();
    const wanted = new Set([...this.#kept.heads, ...this.#kept.witnessed].map((head) => head.size));
    if (wanted.has(this.#size) && this.#size > 0) this.#roots.set(this.#size, await this.#root());
    for (let from = firstIndex; ; ) {
      const records = await reader.listRecords(tenantId, from, VERIFIED_TOGETHER);
      for (const record of records) await this.#take(record, wanted);
      const last = records.at(-1);
      if (last === undefined || this.#behind.length > 0) break;
      from = last.index + 1;
    }
    await this.#reportBehind(reader);
    await this.#nameChanged();
    if (this.#size < size) {
      this.#report(this.#size, `the end is cut: records ${this.#size} to ${size - 1} are gone`);
    } else if (this.#size === size && this.#before !== null && !isSame(this.#before, lastHash)) {
      this.#report(size - 1, 'the last record is not the one that was sealed last');
    }
    for (const head of this.#kept.heads) this.#checkHead(head);
    for (const head of this.#kept.witnessed) this.#checkWitnessed(head);
  }

  #report(index: number, what: string): void {
    if (this.problems.length < PROBLEMS_MAX)
      this.problems.push({ tenantId: this.#chain.tenantId, index, what });
  }

  /** A record that wasn't counted when the log was read, and isn't now, was never sealed. */
  async #reportBehind(reader: ChainReader): Promise<void> {
    if (this.#behind.length === 0) return;
    const size = (await reader.findChain(this.#chain.tenantId))?.size ?? this.#chain.size;
    for (const index of this.#behind) {
      if (index >= size) this.#report(index, 'inserted: it is behind the end of the log');
    }
  }

  /** The tree over what retention has removed. */
  #beginWithNodes(): void {
    let begin = 0;
    for (let count = 2 ** 52; count >= BLOCK_RECORDS; count /= 2) {
      if (begin + count > this.#chain.firstIndex) continue;
      const hash = this.#nodeAt(Math.log2(count), begin / count);
      if (hash === undefined) {
        this.#report(begin, `the hash of records ${begin} to ${begin + count - 1} is gone`);
        return;
      }
      this.#peaks.push({ count, hash });
      begin += count;
    }
  }

  #nodeAt(level: number, index: number): Uint8Array | undefined {
    return this.#nodes.get(`${level} ${index}`);
  }

  async #take(record: SealedRecord, wanted: ReadonlySet<number>): Promise<void> {
    if (record.index >= this.#chain.size) {
      this.#behind.push(record.index);
      return;
    }
    if (record.index > this.#size) {
      const last = record.index - 1;
      this.#report(this.#size, `removed: records ${this.#size} to ${last} are gone`);
    } else if (
      this.#before !== null &&
      !isSame(await hashRecord(record, this.#before, sha256), record.hash)
    ) {
      this.#changed.push(record);
      this.#links.push(this.#before);
    }
    this.records++;
    this.#before = record.hash;
    this.#size = record.index + 1;
    await this.#grow(record.hash);
    if (wanted.has(this.#size)) this.#roots.set(this.#size, await this.#root());
  }

  async #grow(leaf: Uint8Array): Promise<void> {
    let [count, hash] = [1, leaf];
    while (this.#peaks.at(-1)?.count === count) {
      const left = this.#peaks.pop() as Peak;
      [count, hash] = [2 * count, await hashPair(left.hash, hash, sha256)];
      const level = Math.log2(count);
      const node = level === BLOCK_LEVEL ? this.#nodeAt(level, this.#size / count - 1) : undefined;
      if (node !== undefined && !isSame(node, hash)) {
        const first = this.#size - count;
        this.#report(
          first,
          `rewritten: records ${first} to ${this.#size - 1} are not those of their kept hash`,
        );
      }
    }
    this.#peaks.push({ count, hash });
  }

  async #root(): Promise<Uint8Array> {
    let root: Uint8Array | null = null;
    for (const { hash } of [...this.#peaks].reverse()) {
      root = root === null ? hash : await hashPair(hash, root, sha256);
    }
    return root ?? NO_HASH;
  }

  /** Tells what was moved from what was changed: at its old place its hash is right. */
  async #nameChanged(): Promise<void> {
    const some = this.#changed.slice(0, PLACES_TRIED_MAX);
    const links = [...this.#links.slice(0, PLACES_TRIED_MAX), ...some.map(({ hash }) => hash)];
    for (const record of this.#changed) {
      const place = some.includes(record) ? await findPlace(record, some, links) : null;
      // It is as it was sealed, and follows one that isn't.
      if (place === record.index) continue;
      this.#report(
        record.index,
        place === null
          ? 'changed or inserted: it, or the one before it, is not the record that was sealed there'
          : `reordered: it was sealed as record ${place}`,
      );
    }
  }

  #checkHead(head: SignedHead): void {
    this.heads++;
    const key = this.#kept.keyOf(head.keyId);
    if (key !== null && this.#kept.isSignedBy(key, headBytes(head), head.signature))
      this.#compare(head, 'were signed for');
    else this.#report(head.size, `the head of ${head.size} records is not signed by this server`);
  }

  #checkWitnessed(head: WitnessedHead): void {
    this.witnessedHeads++;
    const isOurs = this.#kept.ours.some((key) => this.#kept.isSignedBy(key, headBytes(head), head.signature));
    if (isOurs) this.#compare(head, 'a witness has kept');
    else this.#report(head.size, `the witness's head of ${head.size} records is not signed by this server`);
  }

  #compare({ size, root }: Pick<SignedHead, 'size' | 'root'>, why: string): void {
    if (size < Math.max(this.#chain.firstIndex, 1)) {
      this.tooOld++;
    } else if (size > this.#size) {
      this.#report(size, `the end is cut: ${size} records ${why}, and ${this.#size} are there`);
    } else {
      const found = this.#roots.get(size);
      if (found === undefined || !isSame(found, root)) {
        this.#report(size, `another history: the first ${size} records are not those that ${why}`);
      }
    }
  }
}

/** The place at which a record's hash is right, of those of the others; null: at none. */
async function findPlace(
  record: SealedRecord,
  others: readonly SealedRecord[],
  links: readonly Uint8Array[],
): Promise<number | null> {
  for (const { index } of others) {
    for (const link of links) {
      if (isSame(await hashRecord({ ...record, index }, link, sha256), record.hash)) return index;
    }
  }
  return null;
}
