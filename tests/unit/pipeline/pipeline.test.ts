import { describe, expect, it } from 'vitest';
import type { Actor } from '../../../server/kernel/actor.ts';
import { AppError, InvariantError } from '../../../server/kernel/errors.ts';
import { asId } from '../../../server/kernel/ids.ts';
import { type Access, type AuditClass, COSTS, type Operation } from '../../../server/kernel/operation.ts';
import type { Audit } from '../../../server/transports/pipeline/audit.ts';
import { createRunningLimiter, type ShareSizes } from '../../../server/transports/pipeline/limiter.ts';
import { createPipeline } from '../../../server/transports/pipeline/pipeline.ts';
import { createRates, type RateWindows } from '../../../server/transports/pipeline/rates.ts';
import { TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { FakeClock } from '../../support/clock.ts';
import { NO_WINDOWS, noAbuse, noRates } from '../../support/rates.ts';

const tenantId = asId<Actor['tenantId']>('00000000-0000-4000-8000-000000000001');
const account: Actor = {
  kind: 'account',
  credentialId: TEST_CREDENTIAL_ID,
  tenantId,
  accountId: asId('00000000-0000-4000-8000-000000000002'),
  role: 'owner',
  networkIds: null,
  operator: false,
};
const device: Actor = {
  kind: 'device',
  credentialId: TEST_CREDENTIAL_ID,
  tenantId,
  deviceId: asId('00000000-0000-4000-8000-000000000003'),
};
const CONNECTION = { remoteAddress: '192.0.2.1', requestId: 'request-1' };

function operationOf<A extends Access>(access: A, audit: AuditClass = 'change'): Operation<A> {
  return {
    operation: 'things.create',
    access,
    cost: 10,
    audit,
    summary: 'Makes a thing.',
    errors: ['conflict'],
  };
}

/** A pipeline that writes down what it does. */
function world(
  sizes: ShareSizes = { principal: 20, address: COSTS.read },
  windows: RateWindows = NO_WINDOWS,
) {
  const steps: string[] = [];
  const limiter = createRunningLimiter(sizes);
  const audit: Audit = {
    begin: ({ actor, operation }) => {
      steps.push(`audit ${operation} by ${actor?.kind ?? 'nobody'}`);
      return { run: (work) => work(), end: (code) => void steps.push(`audited ${code ?? 'done'}`) };
    },
  };
  const pipeline = createPipeline({
    rates: createRates(windows),
    abuse: noAbuse,
    limiter: {
      enter(share, key, cost) {
        const entered = limiter.enter(share, key, cost);
        steps.push(`${entered ? 'enter' : 'no room'} ${share} ${cost}`);
        return entered;
      },
      leave(share, key, cost) {
        steps.push(`leave ${share} ${cost}`);
        limiter.leave(share, key, cost);
      },
    },
    audit,
    clock: new FakeClock(),
    refused: (operation, code) => void steps.push(`counted ${operation} ${code}`),
  });
  const border = {
    encode(value: string) {
      steps.push('encode');
      return `[${value}]`;
    },
    refuse(error: AppError) {
      steps.push('encode refusal');
      return error.code as string;
    },
    observe: ({ answer }: { answer: string }) => void steps.push(`observe ${answer}`),
  };
  const service = async (actor: unknown, input: string) => {
    steps.push(`service for ${(actor as Actor | null)?.kind ?? 'nobody'}`);
    if (input === 'taken') throw new AppError('conflict', 'conflict', 'Taken.');
    if (input === 'broken') throw new TypeError('secret');
    return input;
  };
  const callerOf = (actor: Actor | null) => ({
    ...CONNECTION,
    identify: async () => {
      steps.push('identify');
      return actor;
    },
  });
  return { steps, pipeline, border, service, callerOf };
}

const IDENTIFIED = ['enter address 100', 'identify', 'leave address 100'];

describe('a call with a credential', () => {
  it('is authenticated, authorized, limited, audited, served, encoded and observed, in this order', async () => {
    const { steps, pipeline, border, service, callerOf } = world();
    const call = pipeline.serve(operationOf('networks.manage'), service, border);
    expect(await call(callerOf(account), 'thing')).toBe('[thing]');
    expect(steps).toEqual([
      ...IDENTIFIED,
      'enter principal 10',
      'audit things.create by account',
      'service for account',
      'encode',
      'audited done',
      'leave principal 10',
      'observe [thing]',
    ]);
  });

  it('of nobody is refused before anything else is looked at', async () => {
    const { steps, pipeline, border, service, callerOf } = world();
    const call = pipeline.serve(operationOf('networks.manage'), service, border);
    expect(await call(callerOf(null), 'thing')).toBe('unauthenticated');
    expect(steps).toEqual([
      ...IDENTIFIED.slice(0, 2),
      'audit things.create by nobody',
      'audited unauthenticated',
      ...IDENTIFIED.slice(2),
      'counted things.create unauthenticated',
      'encode refusal',
      'observe unauthenticated',
    ]);
  });

  it('of somebody without the permission is audited also where the operation is not', async () => {
    const { steps, pipeline, border, service, callerOf } = world();
    const call = pipeline.serve(operationOf('networks.manage', 'none'), service, border);
    await call(callerOf(device), 'thing');
    expect(steps).toContain('audited forbidden');
    steps.splice(0);
    await call(callerOf(account), 'thing');
    expect(steps.filter((step) => step.startsWith('audit'))).toEqual([]);
  });

  it('of somebody without the permission is refused and audited, and takes no share', async () => {
    const { steps, pipeline, border, service, callerOf } = world();
    const call = pipeline.serve(operationOf('networks.manage'), service, border);
    expect(await call(callerOf(device), 'thing')).toBe('forbidden');
    expect(steps).toEqual([
      ...IDENTIFIED,
      'audit things.create by device',
      'audited forbidden',
      'counted things.create forbidden',
      'encode refusal',
      'observe forbidden',
    ]);
  });

  it('of somebody who has too much running is refused until something of it has ended', async () => {
    const { steps, pipeline, border, callerOf } = world({ principal: 20, address: 1_000 });
    const waiting: (() => void)[] = [];
    const service = () => new Promise<string>((resolve) => waiting.push(() => resolve('late')));
    const call = pipeline.serve(operationOf('networks.manage', 'none'), service, border);
    const running = [call(callerOf(account), ''), call(callerOf(account), '')];
    await expect.poll(() => waiting.length).toBe(2);
    expect(await call(callerOf(account), '')).toBe('rate_limited');
    expect(steps).toContain('no room principal 10');
    for (const end of waiting.splice(0)) end();
    expect(await Promise.all(running)).toEqual(['[late]', '[late]']);
    const again = call(callerOf(account), '');
    await expect.poll(() => waiting.length).toBe(1);
    waiting[0]?.();
    expect(await again).toBe('[late]');
  });

  it('from an address with too many to be identified is refused without being identified', async () => {
    const { steps, pipeline, border, service } = world();
    const call = pipeline.serve(operationOf('networks.manage', 'none'), service, border);
    let found: (actor: Actor | null) => void = () => {};
    const first = call(
      { ...CONNECTION, identify: () => new Promise((resolve) => (found = resolve)) },
      'first',
    );
    const stranger = () => Promise.reject(new Error('asked'));
    expect(await call({ ...CONNECTION, identify: stranger }, 'second')).toBe('rate_limited');
    expect(
      await call({ ...CONNECTION, remoteAddress: '192.0.2.2', identify: async () => account }, 'third'),
    ).toBe('[third]');
    found(account);
    expect(await first).toBe('[first]');
    expect(steps.filter((step) => step.startsWith('no room'))).toEqual(['no room address 100']);
  });

  it.each([
    ['refuses', 'taken', 'conflict'],
    ['fails', 'broken', 'internal'],
  ])('whose service %s gives back its share and is audited', async (_, input, code) => {
    const { steps, pipeline, border, service, callerOf } = world();
    const call = pipeline.serve(operationOf('networks.manage'), service, border);
    expect(await call(callerOf(account), input)).toBe(code);
    expect(steps.slice(IDENTIFIED.length)).toEqual([
      'enter principal 10',
      'audit things.create by account',
      'service for account',
      `audited ${code}`,
      'leave principal 10',
      `counted things.create ${code}`,
      'encode refusal',
      `observe ${code}`,
    ]);
  });

  it('that the audit can not take is refused, and its service never called', async () => {
    const { steps, pipeline, border, service, callerOf } = world();
    const broken = createPipeline({
      rates: noRates,
      abuse: noAbuse,
      limiter: createRunningLimiter(),
      audit: {
        begin: () => {
          throw new AppError('unavailable', 'unavailable', 'No.');
        },
      },
      clock: new FakeClock(),
      refused: () => {},
    });
    expect(pipeline.catalogue).toEqual([]);
    const call = broken.serve(operationOf('networks.manage'), service, border);
    expect(await call(callerOf(account), 'thing')).toBe('unavailable');
    expect(steps.filter((step) => step.startsWith('service'))).toEqual([]);
  });

  it('keeps its share while its answer goes on', async () => {
    const { steps, pipeline, border, service, callerOf } = world();
    let end: () => void = () => {};
    const lasts = () => new Promise<void>((resolve) => (end = resolve));
    const call = pipeline.serve(operationOf('networks.manage', 'none'), service, { ...border, lasts });
    await call(callerOf(account), 'stream');
    expect(steps).not.toContain('leave principal 10');
    end();
    await expect.poll(() => steps.at(-1)).toBe('leave principal 10');
  });
});

describe('a call of a public operation', () => {
  it('is not authenticated; its share is that of its address', async () => {
    const { steps, pipeline, border, service, callerOf } = world();
    const call = pipeline.serve(operationOf('public'), service, border);
    expect(await call(callerOf(account), 'thing')).toBe('[thing]');
    expect(steps.slice(0, 3)).toEqual([
      'enter address 10',
      'audit things.create by nobody',
      'service for nobody',
    ]);
  });
});

describe('a call that is answered at once', () => {
  const operation = { ...operationOf('public', 'none'), access: 'public', audit: 'none' } as const;
  const setUp = (windows?: RateWindows, sizes?: ShareSizes) => {
    const { steps, pipeline, border, callerOf } = world(sizes, windows);
    const serve = (input: string) => {
      steps.push('service');
      if (input === 'taken') throw new AppError('conflict', 'conflict', 'Taken.');
      return input;
    };
    const call = pipeline.serveAtOnce(operation, serve, border);
    return { steps, ask: (input: string) => call(callerOf(null), input) };
  };

  it('is limited, served, encoded and observed in the same turn', () => {
    const { steps, ask } = setUp();
    expect(ask('thing')).toBe('[thing]');
    expect(steps).toEqual(['enter address 10', 'service', 'encode', 'leave address 10', 'observe [thing]']);
  });

  it('is refused, and gives back what it took', () => {
    const { steps, ask } = setUp();
    expect(ask('taken')).toBe('conflict');
    expect(steps.slice(2)).toEqual([
      'leave address 10',
      'counted things.create conflict',
      'encode refusal',
      'observe conflict',
    ]);
  });

  it('is not served where the address has asked too often, or too much of it is running', () => {
    const none = { limit: 1, remaining: 0, resetSeconds: 5, isTaken: false };
    const often = setUp({ ...NO_WINDOWS, address: { take: () => none } });
    expect([often.ask('thing'), often.steps.includes('service')]).toEqual(['rate_limited', false]);
    const much = setUp(NO_WINDOWS, { principal: 20, address: 5 });
    expect([much.ask('thing'), much.steps.includes('service')]).toEqual(['rate_limited', false]);
  });
});

describe('a call on a connection', () => {
  it('takes the same steps in the same turn', () => {
    const { steps, pipeline } = world();
    const call = pipeline.serveConnection(operationOf('frames.send'), (_actor, input: string) => {
      steps.push('service');
      return `<${input}>`;
    });
    expect(call(device, 'frame', CONNECTION)).toBe('<frame>');
    expect(steps).toEqual([
      'enter principal 10',
      'audit things.create by device',
      'service',
      'leave principal 10',
      'audited done',
    ]);
  });

  it('keeps its share until what it does has ended', async () => {
    const { steps, pipeline, service } = world();
    const call = pipeline.serveConnection(operationOf('frames.send', 'none'), service);
    const [first, second] = [call(device, 'a', CONNECTION), call(device, 'b', CONNECTION)];
    expect(() => call(device, 'c', CONNECTION)).toThrow(expect.objectContaining({ code: 'rate_limited' }));
    expect(await Promise.all([first, second])).toEqual(['a', 'b']);
    expect(steps.filter((step) => step === 'leave principal 10')).toHaveLength(2);
    expect(await call(device, 'c', CONNECTION)).toBe('c');
  });

  it('is refused, and gives back what it took, wherever it fails', async () => {
    const { steps, pipeline, service } = world();
    const call = pipeline.serveConnection(operationOf('frames.send'), service);
    expect(() => call(account, 'a', CONNECTION)).toThrow(expect.objectContaining({ code: 'forbidden' }));
    await expect(call(device, 'taken', CONNECTION)).rejects.toMatchObject({ code: 'conflict' });
    expect(steps).toEqual([
      'audit things.create by account',
      'audited forbidden',
      'counted things.create forbidden',
      'enter principal 10',
      'audit things.create by device',
      'service for device',
      'counted things.create conflict',
      'leave principal 10',
      'audited conflict',
    ]);
  });

  it('that asks a question is answered in the same turn, and takes the same steps', () => {
    const { steps, pipeline } = world();
    const operation = { ...operationOf('frames.send'), audit: 'none' } as const;
    const call = pipeline.serveConnectionNow(operation, (_actor, topic: string) => {
      if (topic === 'wrong') throw new AppError('forbidden', 'topic_forbidden', 'No.');
      return topic === 'mine';
    });
    expect([call(device, 'mine', CONNECTION), call(device, 'other', CONNECTION)]).toEqual([true, false]);
    expect(steps.splice(0)).toEqual([
      'enter principal 10',
      'leave principal 10',
      'enter principal 10',
      'leave principal 10',
    ]);
    expect(() => call(device, 'wrong', CONNECTION)).toThrow(
      expect.objectContaining({ code: 'topic_forbidden' }),
    );
    const frame = { ...CONNECTION, requestId: null };
    expect(() => call(account, 'mine', frame)).toThrow(expect.objectContaining({ code: 'forbidden' }));
    expect(steps).toEqual([
      'enter principal 10',
      'counted things.create topic_forbidden',
      'leave principal 10',
      'counted things.create forbidden',
    ]);
  });
});

describe('the catalogue', () => {
  it('holds every operation once', () => {
    const { pipeline, border, service } = world();
    pipeline.serve(operationOf('public'), service, border);
    expect(pipeline.catalogue).toEqual([operationOf('public')]);
    expect(() => pipeline.serveConnection(operationOf('frames.send'), service)).toThrow(InvariantError);
  });

  it('takes no operation without a proper name or cost', () => {
    const { pipeline, border, service } = world();
    const named = (operation: string) => ({ ...operationOf('public'), operation });
    expect(() => pipeline.serve(named('create'), service, border)).toThrow(InvariantError);
    expect(() => pipeline.serve(named('Things.Create'), service, border)).toThrow(InvariantError);
    const free = { ...operationOf('public'), cost: 0 };
    expect(() => pipeline.serve(free, service, border)).toThrow(InvariantError);
  });
});

it('counts callers who are unknown by address, IPv6 by network', () => {
  const limiter = createRunningLimiter({ principal: 20, address: 10 });
  expect(limiter.enter('address', '2001:db8::1', 10)).toBe(true);
  expect(limiter.enter('address', '2001:db8::2', 10)).toBe(false);
  expect(limiter.enter('address', '2001:db8:0:1::2', 10)).toBe(true);
  limiter.leave('address', '2001:0db8:0:0:5::', 10);
  expect(limiter.enter('address', '2001:db8::2', 10)).toBe(true);
});
