import { describe, expect, it } from 'vitest';
import { Sources } from '../../../server/domains/relay/sources.ts';
import { asId, type DeviceId } from '../../../server/kernel/ids.ts';
import { uuid } from '../../support/frames.ts';
import { testPeer as peer } from '../../support/relay-peer.ts';

/** A frame of its own for every nonce, unless the test says that it is one that came before. */
const frame = (nonce: number, id = uuid(1_000 + nonce)) => ({ id, nonce });
const sourcesWith = (lastNonce: number) => new Sources({ findLastNonce: async () => lastNonce });

describe('sources', () => {
  it('accept a nonce once and none below it', async () => {
    const sources = sourcesWith(0);
    await sources.connect(peer);
    expect([5, 5, 4, 6].map((nonce) => sources.useNonce(peer, frame(nonce)))).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });

  it('go on from the nonce that was saved', async () => {
    const sources = sourcesWith(100);
    await sources.connect(peer);
    expect(sources.useNonce(peer, frame(100))).toBe(false);
    expect(sources.useNonce(peer, frame(101))).toBe(true);
  });

  it('share nonces between two connections of a device', async () => {
    const sources = sourcesWith(0);
    await sources.connect(peer);
    sources.useNonce(peer, frame(7));
    await sources.connect(peer);
    expect(sources.useNonce(peer, frame(7))).toBe(false);
  });

  it('accept nothing from a device that is not connected', () => {
    expect(sourcesWith(0).useNonce(peer, frame(1))).toBe(false);
  });

  it('name what is unsaved until it is saved, and let go of who is gone', async () => {
    const sources = sourcesWith(0);
    await sources.connect(peer);
    sources.useNonce(peer, frame(7));
    sources.disconnect(peer);
    const unsaved = sources.takeUnsaved();
    expect(unsaved).toEqual([{ tenantId: uuid(10), deviceId: uuid(3), lastNonce: 7 }]);
    expect(sources.takeUnsaved()).toEqual(unsaved);
    sources.markSaved(unsaved);
    expect(sources.takeUnsaved()).toEqual([]);
    expect(sources.lastNonce(peer)).toBe(0);
  });

  it('count the nonces of their frames from the server upwards, each device by itself', async () => {
    const sources = sourcesWith(0);
    const other = { ...peer, actor: { ...peer.actor, deviceId: asId<DeviceId>(uuid(4)) } };
    await sources.connect(peer);
    await sources.connect(other);
    expect([1, 1, 2].map((nowMs) => sources.nextServerNonce(peer, nowMs))).toEqual([1_000, 1_001, 2_000]);
    expect(sources.nextServerNonce(other, 1)).toBe(1_000);
  });

  it('let exactly the frame come again that could not be kept, once', async () => {
    const sources = sourcesWith(0);
    await sources.connect(peer);
    const lost = () => Promise.reject(new Error('the database is gone'));
    for (const nonce of [5, 6]) sources.useNonce(peer, frame(nonce));
    await expect(sources.keep(peer, frame(5), lost(), () => true)).rejects.toThrow();
    await expect(sources.keep(peer, frame(6), lost(), () => false)).rejects.toThrow();
    expect(sources.useNonce(peer, frame(6))).toBe(false);
    expect(sources.useNonce(peer, frame(5, uuid(7)))).toBe(false);
    expect(sources.useNonce(peer, frame(4, frame(5).id))).toBe(false);
    expect([1, 2].map(() => sources.useNonce(peer, frame(5)))).toEqual([true, false]);
  });

  it('save no nonce that a frame on its way, or one that may come again, needs', async () => {
    const sources = sourcesWith(0);
    await sources.connect(peer);
    for (const nonce of [1, 2, 3]) sources.useNonce(peer, frame(nonce));
    let lose: (error: Error) => void = () => undefined;
    const kept = new Promise<never>((_, reject) => {
      lose = reject;
    });
    const sent = sources.keep(peer, frame(2), kept, () => true);
    const saved = () => sources.takeUnsaved().map(({ lastNonce }) => lastNonce);
    expect(saved()).toEqual([1]);
    lose(new Error('the database is gone'));
    await expect(sent).rejects.toThrow();
    sources.disconnect(peer);
    expect(saved()).toEqual([1]);
    sources.markSaved(sources.takeUnsaved());
    expect(saved()).toEqual([]);
    await sources.connect(peer);
    expect(sources.useNonce(peer, frame(2))).toBe(true);
    await sources.keep(peer, frame(2), Promise.resolve(1), () => true);
    expect(saved()).toEqual([3]);
  });

  it('ask the database again after it could not be read', async () => {
    let failing = true;
    const sources = new Sources({
      findLastNonce: async () => {
        if (failing) throw new Error('the database is gone');
        return 9;
      },
    });
    await expect(sources.connect(peer)).rejects.toThrow();
    failing = false;
    await sources.connect(peer);
    expect(sources.lastNonce(peer)).toBe(9);
  });
});
