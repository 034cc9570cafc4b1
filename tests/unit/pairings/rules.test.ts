import { describe, expect, it } from 'vitest';
import { ConnectionAsk, encodePayload, FrameType } from '../../../proto/index.ts';
import { isIncluded, judge, stateOf } from '../../../server/domains/pairings/rules.ts';
import type { Pairing } from '../../../server/domains/pairings/types.ts';
import { asId, type DeviceId, type NetworkId, type TenantId } from '../../../server/kernel/ids.ts';
import { CONNECTION_FRAME_HANDLERS } from '../../../server/transports/frames/connection-frames.ts';
import { operationsSchema } from '../../../server/transports/rest/connections/schemas.ts';
import { uuid } from '../../support/frames.ts';

const [SOURCE, TARGET] = [asId<DeviceId>(uuid(1)), asId<DeviceId>(uuid(2))];
const NOW = 1_000;

const pairing = (changes: Partial<Pairing> = {}): Pairing => ({
  id: uuid(9),
  networkId: asId<NetworkId>(uuid(3)),
  tenantId: asId<TenantId>(uuid(4)),
  sourceId: SOURCE,
  sourceTenantId: asId<TenantId>(uuid(4)),
  targetId: TARGET,
  targetTenantId: asId<TenantId>(uuid(4)),
  state: 'allowed',
  blockedBy: null,
  decidedBy: 'device',
  reason: '',
  permission: { operations: null, untilMs: null, once: false },
  usedBy: null,
  createdAtMs: 0,
  askedUntilMs: 10,
  decidedAtMs: 5,
  revision: 1,
  ...changes,
});

const permission = (changes: Partial<Pairing['permission']>) =>
  pairing({ permission: { operations: null, untilMs: null, once: false, ...changes } });

function verdict(
  { own, opposite, rule = false }: { own?: Pairing; opposite?: Pairing; rule?: boolean },
  type: FrameType = FrameType.COMMAND,
  name = 'led.set',
) {
  const frame = { id: uuid(7), type, sourceId: SOURCE, targetId: TARGET, name: () => name };
  return judge(frame, { own, opposite, byRule: () => rule }, NOW);
}

describe('a frame', () => {
  it.each([
    ['by the rule', { rule: true }, 'allowed'],
    ['without a rule', {}, 'connection_required'],
    ['that is allowed', { own: pairing() }, 'allowed'],
    [
      'that the rule allowed to one who asked for less',
      {
        own: pairing({
          decidedBy: 'rule',
          permission: { operations: ['door.*'], untilMs: null, once: false },
        }),
      },
      'allowed',
    ],
    [
      'that was denied',
      { own: pairing({ state: 'denied', blockedBy: 'target' }), rule: true },
      'connection_required',
    ],
    ['that nobody answered', { own: pairing({ state: 'timed_out' }), rule: true }, 'allowed'],
    [
      'that is asked anew after a withdrawal',
      { own: pairing({ state: 'asked', blockedBy: 'target' }), rule: true },
      'connection_required',
    ],
    [
      'until a time that is over, in spite of the rule',
      { own: permission({ untilMs: NOW }), rule: true },
      'connection_limited',
    ],
    ['until a time that is not over', { own: permission({ untilMs: NOW + 1 }) }, 'allowed'],
    ['of another name', { own: permission({ operations: ['door.*'] }), rule: true }, 'connection_limited'],
    ['of a name in an area', { own: permission({ operations: ['led.*'] }) }, 'allowed'],
    ['that comes again', { own: pairing({ state: 'used', usedBy: uuid(7) }) }, 'allowed'],
    [
      'after the one that was allowed',
      { own: pairing({ state: 'used', usedBy: uuid(8) }) },
      'connection_limited',
    ],
    ['to one that may send', { opposite: pairing() }, 'connection_required'],
    [
      'to one whose permission was withdrawn',
      { opposite: pairing({ state: 'closed', blockedBy: 'source' }), rule: true },
      'connection_required',
    ],
  ] as const)('%s', (_, decided, expected) => {
    expect(verdict(decided)).toBe(expected);
  });

  it('uses up a permission for one', () => {
    const own = permission({ once: true });
    expect(verdict({ own })).toEqual({ use: own });
  });

  it('that answers is sent until it is withdrawn, and an event while it lasts', () => {
    const over = permission({ untilMs: NOW });
    expect(verdict({ opposite: over }, FrameType.COMMAND_RESULT)).toBe('allowed');
    expect(verdict({ opposite: over }, FrameType.EVENT)).toBe('connection_required');
    expect(verdict({ opposite: pairing() }, FrameType.EVENT)).toBe('allowed');
    const closed = pairing({ state: 'closed', blockedBy: 'target' });
    expect(verdict({ opposite: closed }, FrameType.COMMAND_RESULT)).toBe('connection_required');
  });
});

it('names are compared whole, areas by their beginning', () => {
  expect(isIncluded(['led.*'], 'led')).toBe(false);
  expect(isIncluded(['led.*'], 'ledger.read')).toBe(false);
  expect(isIncluded(['led.set'], 'led.setting')).toBe(false);
  expect(isIncluded(['led.set'], null)).toBe(false);
  expect(isIncluded(null, null)).toBe(true);
});

it('a question is over at its time, and a permission at its', () => {
  expect(stateOf(pairing({ state: 'asked', askedUntilMs: NOW }), NOW)).toBe('timed_out');
  expect(stateOf(permission({ untilMs: NOW }), NOW)).toBe('expired');
  expect(stateOf(permission({ untilMs: NOW + 1 }), NOW)).toBe('allowed');
});

describe('names of operations', () => {
  it('hold no character of control: no database keeps U+0000', async () => {
    const operations = ['led.\0'];
    expect(operationsSchema.safeParse(operations).success).toBe(false);
    const payload = encodePayload(ConnectionAsk, { targetId: new Uint8Array(16), operations });
    const [, ask] = CONNECTION_FRAME_HANDLERS.find(([type]) => type === FrameType.CONNECTION_ASK) ?? [];
    const received = { peer: { actor: { deviceId: SOURCE } }, frame: { header: {}, payload } };
    await expect(ask?.({ pairings: {} } as never, received as never)).rejects.toMatchObject({
      code: 'invalid_input',
    });
  });
});
