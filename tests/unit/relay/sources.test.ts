import { describe, expect, it } from 'vitest';
import { Sources } from '../../../server/domains/relay/sources.ts';
import { uuid } from '../../support/frames.ts';
import { testPeer as peer } from '../../support/relay-peer.ts';

const sourcesWith = (lastNonce: number) => new Sources({ findLastNonce: async () => lastNonce });

describe('sources', () => {
  it('accept a nonce once and none below it', async () => {
    const sources = sourcesWith(0);
    await sources.connect(peer);
    expect([5, 5, 4, 6].map((nonce) => sources.useNonce(peer, nonce))).toEqual([true, false, false, true]);
  });

  it('go on from the nonce that was saved', async () => {
    const sources = sourcesWith(100);
    await sources.connect(peer);
    expect(sources.useNonce(peer, 100)).toBe(false);
    expect(sources.useNonce(peer, 101)).toBe(true);
  });

  it('share nonces between two connections of a device', async () => {
    const sources = sourcesWith(0);
    await sources.connect(peer);
    sources.useNonce(peer, 7);
    await sources.connect(peer);
    expect(sources.useNonce(peer, 7)).toBe(false);
  });

  it('accept nothing from a device that is not connected', () => {
    expect(sourcesWith(0).useNonce(peer, 1)).toBe(false);
  });

  it('name what is unsaved until it is saved, and let go of who is gone', async () => {
    const sources = sourcesWith(0);
    await sources.connect(peer);
    sources.useNonce(peer, 7);
    sources.disconnect(peer);
    const unsaved = sources.takeUnsaved();
    expect(unsaved).toEqual([{ tenantId: uuid(10), deviceId: uuid(3), lastNonce: 7 }]);
    expect(sources.takeUnsaved()).toEqual(unsaved);
    sources.markSaved(unsaved);
    expect(sources.takeUnsaved()).toEqual([]);
    expect(sources.lastNonce(peer)).toBe(0);
  });

  it('run the work of a source in order, also after a failure', async () => {
    const sources = sourcesWith(0);
    await sources.connect(peer);
    const done: number[] = [];
    let release: () => void = () => undefined;
    const first = sources.inOrder(peer, async () => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      done.push(1);
      throw new Error('the first one failed');
    });
    const second = sources.inOrder(peer, async () => done.push(2));
    await new Promise((resolve) => setImmediate(resolve));
    release();
    await expect(first).rejects.toThrow('the first one failed');
    await second;
    expect(done).toEqual([1, 2]);
  });
});
