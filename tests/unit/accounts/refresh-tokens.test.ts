import { describe, expect, it } from 'vitest';
import {
  createAccessTokenKeys,
  endedKeys,
  nextKeyFrom,
  signingKeyAt,
} from '../../../server/domains/accounts/access-token-keys.ts';
import type { StoredAccessTokenKey } from '../../../server/domains/accounts/refresh-ports.ts';
import { capOfSignIn, refreshEndsAtMs, rotated } from '../../../server/domains/accounts/refresh-tokens.ts';
import { ed25519 } from '../../../server/platform/secrets/index.ts';
import { FakeClock } from '../../support/clock.ts';
import { createSeededRandom } from '../../support/random.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const bytes = (text: string) => Buffer.from(text);

describe('a refresh token', () => {
  const state = { currentHash: bytes('second'), previousHash: bytes('first'), rotatedAtMs: 1_000 };

  it('is followed by the next one when it is used', () => {
    expect(rotated(state, bytes('second'), bytes('third'), 90_000)).toEqual({
      currentHash: bytes('third'),
      previousHash: bytes('second'),
      rotatedAtMs: 90_000,
    });
  });

  it('is taken again where its answer may be lost, and no longer for that', () => {
    const again = rotated(state, bytes('first'), bytes('third'), 30_999);
    expect(again).toEqual({ ...state, currentHash: bytes('third') });
    expect(again && rotated(again, bytes('first'), bytes('fourth'), 31_000)).toBeNull();
    expect(again && rotated(again, bytes('second'), bytes('fourth'), 30_999)).toBeNull();
  });

  it('is refused when it is older, or none', () => {
    expect(rotated(state, bytes('zeroth'), bytes('third'), 1_000)).toBeNull();
    expect(rotated({ ...state, previousHash: null }, bytes(''), bytes('third'), 1_000)).toBeNull();
  });

  it('is not taken again where the clock went back since: nobody knows how long ago it was', () => {
    expect(rotated(state, bytes('first'), bytes('third'), 999)).toBeNull();
  });

  it('ends when the sign-in was to end that it came from, where that is sooner than others', () => {
    expect(refreshEndsAtMs(0, 10 * DAY, capOfSignIn(0, 14 * DAY))).toBe(14 * DAY);
    expect(refreshEndsAtMs(0, 10 * DAY, capOfSignIn(0, 30 * DAY))).toBe(40 * DAY);
  });

  it('ends after 30 days without use, and after 180 in all', () => {
    expect(refreshEndsAtMs(0, 10 * DAY, null)).toBe(40 * DAY);
    expect(refreshEndsAtMs(0, 170 * DAY, null)).toBe(180 * DAY);
  });
});

describe('the keys of access tokens', () => {
  const keys = [
    { id: 'old', signsFromMs: 0 },
    { id: 'new', signsFromMs: 30 * DAY },
  ];

  it('sign from their time on, and are published before and after', () => {
    expect(signingKeyAt(keys, 30 * DAY - 1)?.id).toBe('old');
    expect(signingKeyAt(keys, 30 * DAY)?.id).toBe('new');
    expect(endedKeys(keys, 30 * DAY + HOUR - 1)).toEqual([]);
    expect(endedKeys(keys, 30 * DAY + HOUR)).toEqual(['old']);
  });

  it('are made an hour before they are needed, the first one at once', () => {
    expect(nextKeyFrom([], 7)).toBe(7);
    expect(nextKeyFrom(keys.slice(0, 1), 30 * DAY - HOUR - 1)).toBeNull();
    expect(nextKeyFrom(keys.slice(0, 1), 30 * DAY - HOUR)).toBe(30 * DAY);
    expect(nextKeyFrom(keys, 30 * DAY - 1)).toBeNull();
  });

  it('are made in their time beside one that was made while the clock was ahead', () => {
    const ahead = [{ signsFromMs: 0 }, { signsFromMs: 50 * DAY }];
    expect(nextKeyFrom(ahead, 30 * DAY)).toBe(30 * DAY + HOUR);
  });

  it('follow each other, so that there is one to sign with at any time, and two at most', async () => {
    let stored: readonly StoredAccessTokenKey[] = [];
    const clock = new FakeClock();
    const service = createAccessTokenKeys({
      accessKeys: {
        list: async () => stored,
        change: async (decide) => {
          const { added, ended } = decide(stored);
          stored = [...stored.filter(({ id }) => !ended.includes(id)), ...(added === null ? [] : [added])];
          return stored;
        },
      },
      secretBox: { seal: (secret) => Uint8Array.from(secret), open: (sealed) => Uint8Array.from(sealed) },
      ed25519,
      clock,
      random: createSeededRandom(1),
      hash: (text) => Buffer.from(text.slice(0, 32)),
    });
    const signed = new Set<string>();
    const most: number[] = [];
    for (let round = 0; round < 200; round += 1) {
      await service.rotate();
      const { id, publicKey, privateKey } = await service.signing();
      signed.add(id);
      most.push(stored.length);
      expect(ed25519.publicKeyOf(privateKey)).toEqual(publicKey);
      clock.advance(12 * HOUR);
    }
    expect(signed.size).toBe(4);
    expect(Math.max(...most)).toBe(2);
  });

  it('that another node has made are known to a node that makes none itself', async () => {
    let stored: readonly StoredAccessTokenKey[] = [];
    const clock = new FakeClock();
    const node = (seed: number) =>
      createAccessTokenKeys({
        accessKeys: {
          list: async () => stored,
          change: async (decide) => {
            const { added } = decide(stored);
            if (added !== null) stored = [...stored, added];
            return stored;
          },
        },
        secretBox: { seal: (secret) => Uint8Array.from(secret), open: (sealed) => Uint8Array.from(sealed) },
        ed25519,
        clock,
        random: createSeededRandom(seed),
        hash: (text) => Buffer.from(text.slice(0, 32)),
      });
    const [holder, other] = [node(1), node(2)];
    await holder.rotate();
    await other.reread();
    clock.advance(30 * DAY - HOUR);
    await holder.rotate();
    await other.reread();
    expect((await other.published()).map(({ id }) => id)).toEqual(stored.map(({ id }) => id));
    expect(stored).toHaveLength(2);
  });
});
