import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DirectPath, type SentFrame } from '../../../device/client/direct/direct-path.ts';
import { BEAT_INTERVAL_MS, HOLD_MS, SILENT_BEATS_MAX } from '../../../device/client/direct/limits.ts';
import { PathChoice } from '../../../device/client/direct/path-choice.ts';
import { FrameChannel, NonceSource, systemRandom } from '../../../device/client/index.ts';
import { createDirectIdentity, fingerprintOf } from '../../../device/node/direct/certificate.ts';
import { isReachedDirectly, ownPrivateAddresses } from '../../../device/node/direct/own-addresses.ts';
import { Delivery, FrameType } from '../../../proto/index.ts';
import { isPermitted } from '../../../server/domains/paths/rules.ts';
import type { TenantId } from '../../../server/kernel/ids.ts';
import { FakeClock } from '../../support/clock.ts';
import { createDeviceCore } from '../../support/core.ts';
import { uuid } from '../../support/frames.ts';

const core = createDeviceCore();
const [first, second] = [uuid(1), uuid(2)];

/** Both ends of a path, on a wire that a test can break, and on which everything arrives at once. */
function wire(may: { readonly maySend: boolean; readonly mayReceive: boolean } = BOTH) {
  const clock = new FakeClock();
  const broken = { isBroken: false };
  const arrivedOverRelay = new Set<string>();
  const arrive: Record<string, (bytes: Uint8Array) => void> = {};
  const end = (deviceId: string, peerId: string, rights: typeof BOTH) => {
    const credentials = { deviceId, networkId: uuid(9), token: 'none', signingKey: 'A'.repeat(43) };
    const nonces = new NonceSource(clock);
    const heard: string[] = [];
    const dropped: string[] = [];
    const unconfirmed: SentFrame[][] = [];
    const path = new DirectPath(
      { peerId, ...rights },
      {
        link: {
          key: new Uint8Array(32),
          waitingBytes: 0,
          start: ({ frame }) => {
            arrive[deviceId] = frame;
          },
          send: (bytes) => {
            if (!broken.isBroken) arrive[peerId]?.(bytes.slice());
          },
          close: () => undefined,
        },
        channel: FrameChannel.create(credentials, { core, nonces, random: systemRandom }),
        clock,
        preciseMs: () => clock.nowMs(),
        handlers: {
          received: ({ header }) => heard.push(header.id),
          dropped: (reason) => dropped.push(reason),
          measured: () => undefined,
          drained: () => undefined,
          hasArrived: (id) => arrivedOverRelay.has(id),
          ended: (frames) => unconfirmed.push([...frames]),
        },
      },
    );
    const send = (number: number) =>
      path.send(
        {
          type: FrameType.EVENT,
          delivery: Delivery.TRANSIENT,
          payload: new Uint8Array(1),
          destinationId: peerId,
        },
        uuid(number),
      );
    return { path, heard, dropped, unconfirmed, send };
  };
  const a = end(first, second, BOTH);
  const b = end(second, first, may);
  return { a, b, clock, broken, arrivedOverRelay };
}
const BOTH = { maySend: true, mayReceive: true };

describe('a direct path', () => {
  it('is over after some silent beats, well within a second, and says what was not confirmed', () => {
    const { a, b, clock, broken } = wire();
    a.send(100);
    clock.advance(BEAT_INTERVAL_MS * 2);
    broken.isBroken = true;
    a.send(101);
    a.send(102);
    clock.advance(BEAT_INTERVAL_MS * (SILENT_BEATS_MAX + 1));
    expect(a.unconfirmed).toEqual([
      [expect.objectContaining({ id: uuid(101) }), { id: uuid(102), frame: expect.anything() }],
    ]);
    expect(b.heard).toEqual([uuid(100)]);
    expect(BEAT_INTERVAL_MS * (SILENT_BEATS_MAX + 1)).toBeLessThan(1_000);
    expect(a.send(103)).toBe(false);
  });

  it('holds back what is to follow a frame on its way over the relay, but not for ever', () => {
    const { a, b, clock } = wire();
    a.path.follow(uuid(50));
    a.send(100);
    expect(b.heard).toEqual([]);
    b.path.arrivedByRelay(uuid(50));
    expect(b.heard).toEqual([uuid(100)]);
    a.path.follow(uuid(51));
    a.send(101);
    clock.advance(HOLD_MS);
    expect(b.heard).toEqual([uuid(100), uuid(101)]);
  });

  it('measures its round trip', () => {
    const { a, clock } = wire();
    expect(a.path.quality).toBe(null);
    clock.advance(BEAT_INTERVAL_MS * 3);
    expect(a.path.quality).toEqual({ roundTripMs: 0, loss: 0 });
  });

  it('carries nothing from who may not send', () => {
    const { a, b } = wire({ maySend: true, mayReceive: false });
    a.send(100);
    expect(b).toMatchObject({ heard: [], dropped: ['direct_not_permitted'] });
  });
});

describe('the choice between a direct path and the relay', () => {
  it('takes the direct one unless it is clearly longer, and changes only after several measurements', () => {
    const choice = new PathChoice();
    expect(choice.measured({ roundTripMs: 1, loss: 0 }, 30)).toBe(true);
    const slow = { roundTripMs: 200, loss: 0 };
    expect([1, 2, 3, 4, 5].map(() => choice.measured(slow, 30))).toEqual([true, true, true, true, false]);
    // Neither good enough to be taken, nor bad enough to be left.
    for (let time = 0; time < 20; time++)
      expect(choice.measured({ roundTripMs: 60, loss: 0 }, 30)).toBe(false);
    const good = { roundTripMs: 10, loss: 0 };
    expect([1, 2, 3, 4, 5].map(() => choice.measured(good, 30))).toEqual([false, false, false, false, true]);
    for (let time = 0; time < 20; time++)
      expect(choice.measured({ roundTripMs: 60, loss: 0 }, 30)).toBe(true);
    for (let time = 0; time < 5; time++) choice.measured({ roundTripMs: 20, loss: 0.5 }, 30);
    expect(choice.isDirect).toBe(false);
    choice.reset();
    expect(choice.measured(slow, null)).toBe(true);
  });
});

describe('addresses of direct paths', () => {
  const interfaces = {
    lo: [{ address: '127.0.0.1', cidr: '127.0.0.1/8', internal: true }],
    lan: [{ address: '192.168.7.20', cidr: '192.168.7.20/24', internal: false }],
    wan: [{ address: '203.0.113.5', cidr: '203.0.113.5/24', internal: false }],
    six: [{ address: 'fd00:1::5', cidr: 'fd00:1::5/64', internal: false }],
  } as never;

  it('are said where they are private, and followed in networks of the machine alone', () => {
    const own = ownPrivateAddresses(interfaces);
    expect(own.map(({ address }) => address)).toEqual(['192.168.7.20', 'fd00:1::5']);
    const followed = ['192.168.7.99', 'fd00:1::9'];
    const refused = [
      '192.168.7.20',
      '192.168.8.1',
      '10.0.0.1',
      '127.0.0.1',
      '203.0.113.9',
      'fd00:2::9',
      '::1',
      'lan.example',
      '',
    ];
    expect([...followed, ...refused].filter((address) => isReachedDirectly(address, own))).toEqual(followed);
  });
});

describe('the certificate of a direct path', () => {
  it('is of its key, signed by it, the same for the same key and another for another', () => {
    const identity = createDirectIdentity();
    const certificate = new X509Certificate(identity.certificate);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.subject).toBe('CN=yggdrasil device');
    expect(fingerprintOf(certificate)).toEqual(identity.fingerprint);
    expect(createDirectIdentity(identity.key)).toEqual(identity);
    expect(createDirectIdentity().fingerprint).not.toEqual(identity.fingerprint);
  });
});

describe('who permits a direct path', () => {
  const [owner, guest] = ['owner', 'guest'] as unknown as [TenantId, TenantId];
  const rules = { isPermitted: true, first: 'network', second: 'network', isRelayed: false } as const;
  const own = { network: owner, first: owner, second: owner };
  const withGuest = { ...own, second: guest };

  it('is the owner of the network for its own devices, and the owner of each guest', () => {
    expect(isPermitted(rules, own)).toBe(true);
    expect(isPermitted({ ...rules, isPermitted: false }, own)).toBe(false);
    expect(isPermitted({ ...rules, isPermitted: false, first: 'direct', second: 'direct' }, own)).toBe(false);
    expect(isPermitted({ ...rules, first: 'relay' }, own)).toBe(false);
    expect(isPermitted({ ...rules, second: 'relay' }, own)).toBe(false);
    expect(isPermitted({ ...rules, isRelayed: true }, own)).toBe(false);
    expect(isPermitted(rules, withGuest)).toBe(false);
    expect(isPermitted({ ...rules, second: 'direct' }, withGuest)).toBe(true);
  });
});
