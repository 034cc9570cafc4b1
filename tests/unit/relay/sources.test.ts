import { describe, expect, it } from 'vitest';
import { REPLAY_WINDOW_NONCES } from '../../../proto/index.ts';
import { Sources } from '../../../server/domains/relay/sources.ts';
import { asId, type DeviceId } from '../../../server/kernel/ids.ts';
import { uuid } from '../../support/frames.ts';
import { PlainWindow } from '../../support/plain-window.ts';
import { testPeer as peer } from '../../support/relay-peer.ts';

/** A frame of its own for every nonce, unless the test says that it is one that came before. */
const frame = (nonce: number, id = uuid(1_000 + nonce)) => ({ id, nonce });
/** Sources after these nonces were saved. */
const sourcesAfter = (...nonces: number[]) => {
  const saved = new PlainWindow();
  for (const nonce of nonces) saved.use(nonce);
  return new Sources({ findNonces: async () => saved.content() });
};
const ours = () => true;
const theirs = () => false;
const lost = () => Promise.reject(new Error('the database is gone'));

describe('sources', () => {
  it('use each nonce once, in whatever order they come', async () => {
    const sources = sourcesAfter();
    await sources.connect(peer);
    const nonces = [5, 5, 4, 6, 4, 1, 1, 0];
    expect(nonces.map((nonce) => sources.useNonce(peer, nonce))).toEqual([
      'new',
      'used',
      'new',
      'new',
      'used',
      'new',
      'used',
      'too old',
    ]);
  });

  it(`use nothing that is ${REPLAY_WINDOW_NONCES} nonces below the highest`, async () => {
    const sources = sourcesAfter();
    await sources.connect(peer);
    sources.useNonce(peer, 5_000);
    expect(sources.useNonce(peer, 5_000 - REPLAY_WINDOW_NONCES)).toBe('too old');
    expect(sources.useNonce(peer, 5_001 - REPLAY_WINDOW_NONCES)).toBe('new');
  });

  it('go on from the nonces that were saved', async () => {
    const sources = sourcesAfter(97, 100);
    await sources.connect(peer);
    expect([97, 98, 99, 100, 101].map((nonce) => sources.useNonce(peer, nonce))).toEqual([
      'used',
      'new',
      'new',
      'used',
      'new',
    ]);
  });

  it('share nonces between two connections of a device', async () => {
    const sources = sourcesAfter();
    await sources.connect(peer);
    sources.useNonce(peer, 7);
    await sources.connect(peer);
    expect(sources.useNonce(peer, 7)).toBe('used');
  });

  it('use nothing of a device that is not connected', () => {
    expect(sourcesAfter().useNonce(peer, 1)).toBe('too old');
  });

  it('name what is unsaved until it is saved, and let go of who is gone', async () => {
    const sources = sourcesAfter();
    await sources.connect(peer);
    for (const nonce of [4, 7]) sources.useNonce(peer, nonce);
    sources.disconnect(peer);
    const unsaved = sources.takeUnsaved();
    expect(unsaved).toMatchObject([{ tenantId: uuid(10), deviceId: uuid(3), lastNonce: 7, recent: '9' }]);
    expect(sources.takeUnsaved()).toHaveLength(1);
    unsaved[0]?.saved();
    expect(sources.takeUnsaved()).toEqual([]);
    expect(sources.lastNonce(peer)).toBe(0);
  });

  it('name again what changed while it was saved', async () => {
    const sources = sourcesAfter();
    await sources.connect(peer);
    sources.useNonce(peer, 1);
    const [unsaved] = sources.takeUnsaved();
    sources.useNonce(peer, 2);
    unsaved?.saved();
    expect(sources.takeUnsaved()).toMatchObject([{ lastNonce: 2 }]);
  });

  it('count the frames of the server upwards from its clock, each device by itself', async () => {
    const sources = sourcesAfter();
    const other = { ...peer, actor: { ...peer.actor, deviceId: asId<DeviceId>(uuid(4)) } };
    await sources.connect(peer);
    await sources.connect(other);
    expect([1, 2, 9].map((nowMs) => sources.nextServerNonce(peer.actor.deviceId, nowMs))).toEqual([
      1_000, 1_001, 1_002,
    ]);
    expect(sources.nextServerNonce(other.actor.deviceId, 9)).toBe(9_000);
  });

  it('let a frame come again that could not be kept, once', async () => {
    const sources = sourcesAfter();
    await sources.connect(peer);
    for (const nonce of [5, 6]) sources.useNonce(peer, nonce);
    await expect(sources.keep(peer, frame(5), lost(), ours)).rejects.toThrow();
    await expect(sources.keep(peer, frame(6), lost(), theirs)).rejects.toThrow();
    expect([6, 5, 5].map((nonce) => sources.useNonce(peer, nonce))).toEqual(['used', 'new', 'used']);
  });

  it('let a frame come again that was never on its way, and none that is', async () => {
    const sources = sourcesAfter();
    await sources.connect(peer);
    for (const nonce of [5, 6]) sources.useNonce(peer, nonce);
    const kept = sources.keep(peer, frame(6), Promise.resolve(1), ours);
    for (const nonce of [5, 6]) sources.releaseNonce(peer, { nonce });
    await kept;
    expect([5, 6].map((nonce) => sources.useNonce(peer, nonce))).toEqual(['new', 'used']);
  });

  it('tell what becomes of a frame that is on its way to whoever sends that very frame again', async () => {
    const sources = sourcesAfter();
    await sources.connect(peer);
    sources.useNonce(peer, 5);
    const kept = sources.keep(peer, frame(5), Promise.resolve(41), ours);
    expect(sources.findUnderWay(peer, frame(5, uuid(7)))).toBeNull();
    expect(await sources.findUnderWay(peer, frame(5))).toBe(41);
    await kept;
    expect(sources.findUnderWay(peer, frame(5))).toBeNull();
  });

  it('save no nonce of a frame on its way, or of one that may come again', async () => {
    const sources = sourcesAfter();
    await sources.connect(peer);
    for (const nonce of [1, 2, 3]) sources.useNonce(peer, nonce);
    let lose: (error: Error) => void = () => undefined;
    const stored = new Promise<never>((_, reject) => {
      lose = reject;
    });
    const sent = sources.keep(peer, frame(2), stored, ours);
    expect(sources.takeUnsaved()).toMatchObject([{ lastNonce: 3, recent: 'a' }]);
    lose(new Error('the database is gone'));
    await expect(sent).rejects.toThrow();
    sources.disconnect(peer);
    const unsaved = sources.takeUnsaved();
    expect(unsaved).toMatchObject([{ lastNonce: 3, recent: 'a' }]);
    unsaved[0]?.saved();
    await sources.connect(peer);
    expect(sources.useNonce(peer, 2)).toBe('new');
    await sources.keep(peer, frame(2), Promise.resolve(1), ours);
    expect(sources.takeUnsaved()).toMatchObject([{ lastNonce: 3, recent: 'e' }]);
  });

  it('ask the database again after it could not be read', async () => {
    let failing = true;
    const sources = new Sources({
      findNonces: async () => {
        if (failing) throw new Error('the database is gone');
        return { lastNonce: 9, recent: '8' };
      },
    });
    await expect(sources.connect(peer)).rejects.toThrow();
    failing = false;
    await sources.connect(peer);
    expect(sources.lastNonce(peer)).toBe(9);
  });
});
