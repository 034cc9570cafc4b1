import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { EXAMINATIONS_WAITING_MAX } from '../../../server/domains/tokenizers/limits.ts';
import type { TokenizerReader, TokenizerStore } from '../../../server/domains/tokenizers/ports.ts';
import { createTokenizerService } from '../../../server/domains/tokenizers/service.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { newOwner } from '../../support/actors.ts';
import { FakeClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import { smallTokenizer } from '../../support/tokenizer-file.ts';

const USUAL_TOKENS = 100;

function createService(
  examined: Awaited<ReturnType<TokenizerReader['examine']>> | Promise<never> = {
    kind: 'good',
    sampleTokens: 120,
  },
  canBePaid = true,
) {
  const clock = new FakeClock(0);
  let examinations = 0;
  const kept = new Set<string>();
  const store: Pick<TokenizerStore, 'isKept' | 'bring'> = {
    isKept: async (hash) => kept.has(hash),
    bring: async ({ model, hash }, nowMs) => {
      kept.add(hash);
      const [first = hash] = kept;
      const inUse = { model, hash: first, rule: 'first', decidedBy: null, decidedAtMs: nowMs } as const;
      return { inUse, broughtAtMs: nowMs };
    },
  };
  const reader: Pick<TokenizerReader, 'examine'> = {
    examine: async () => {
      examinations++;
      return examined;
    },
  };
  const service = createTokenizerService({
    store: store as TokenizerStore,
    owners: { requireSold: async () => {}, canBePaid: async () => canBePaid },
    reader: reader as TokenizerReader,
    usual: { countText: async () => USUAL_TOKENS },
    clock,
    logger: silentLogger,
  });
  const bring = (bytes: Uint8Array, actor: AccountActor = newOwner()) =>
    service.bring(actor, 'p', 'm', bytes);
  return { service, bring, clock, examinations: () => examinations };
}

describe('bringing a tokenizer', () => {
  it('names it by the SHA-256 of the file, packed or not, and looks at it once', async () => {
    const { service, bring, examinations } = createService();
    const file = smallTokenizer(0);
    const hash = createHash('sha256').update(file).digest('hex');
    expect(await bring(file)).toMatchObject({ model: 'm', hash, isInUse: true });
    expect(await bring(gzipSync(file))).toMatchObject({ hash, isInUse: true });
    expect(examinations()).toBe(1);
    expect(service.tokenizerOf('m')).toBe(hash);
    expect(service.tokenizerOf('n')).toBe(null);
  });

  it('tells its owner that another one counts, and goes on with that one', async () => {
    const { service, bring } = createService();
    const { hash } = await bring(smallTokenizer(0));
    expect(await bring(smallTokenizer(1))).toMatchObject({ isInUse: false });
    expect(service.tokenizerOf('m')).toBe(hash);
  });

  it.each([
    ['tokenizer_unreadable', { kind: 'unreadable' }],
    ['tokenizer_too_slow', { kind: 'slow' }],
    ['tokenizer_implausible', { kind: 'good', sampleTokens: 4 * USUAL_TOKENS }],
  ] as const)('refuses with %s', async (code, examined) => {
    const { service, bring } = createService(examined);
    await expect(bring(smallTokenizer(0))).rejects.toMatchObject({ code });
    expect(service.tokenizerOf('m')).toBe(null);
  });

  it('unpacks no further than a tokenizer is large', async () => {
    const bomb = gzipSync(new Uint8Array(100 * 1_024 * 1_024));
    await expect(createService().bring(bomb)).rejects.toMatchObject({ code: 'tokenizer_too_large' });
    const broken = gzipSync(smallTokenizer(0)).subarray(0, 100);
    await expect(createService().bring(broken)).rejects.toMatchObject({ code: 'tokenizer_unreadable' });
  });

  it('lets an owner wait with one file, however long it takes, and no more of all than there is memory for', async () => {
    const { bring, clock } = createService(new Promise<never>(() => {}));
    const owner = newOwner();
    void bring(smallTokenizer(0), owner);
    clock.advance(60_000);
    await expect(bring(smallTokenizer(0), owner)).rejects.toMatchObject({ code: 'rate_limited' });
    for (let other = 1; other < EXAMINATIONS_WAITING_MAX; other++) void bring(smallTokenizer(0));
    await expect(bring(smallTokenizer(0))).rejects.toMatchObject({ code: 'rate_limited' });
  });

  it('looks at one file of a tenant in a while, and keeps nobody else from theirs', async () => {
    const { bring, clock } = createService({ kind: 'unreadable' });
    const owner = newOwner();
    const code = (brought: Promise<unknown>) => brought.catch((error: { code: string }) => error.code);
    expect(await code(bring(smallTokenizer(0), owner))).toBe('tokenizer_unreadable');
    expect(await code(bring(smallTokenizer(0), owner))).toBe('rate_limited');
    expect(await code(bring(smallTokenizer(0)))).toBe('tokenizer_unreadable');
    clock.advance(20_000);
    expect(await code(bring(smallTokenizer(0), owner))).toBe('tokenizer_unreadable');
  });

  it('is for owners who can be paid', async () => {
    const { bring } = createService(undefined, false);
    await expect(bring(smallTokenizer(0))).rejects.toMatchObject({ code: 'payout_method_missing' });
  });
});
