import { beforeEach, describe, expect, it } from 'vitest';
import type { AbuseMeasure, RefusedCall, Subject } from '../../../server/domains/abuse/index.ts';
import { createAbuseService } from '../../../server/domains/abuse/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { AppError, notFound } from '../../../server/kernel/errors.ts';
import { asId, type CredentialId } from '../../../server/kernel/ids.ts';
import { createClientLimiter } from '../../../server/platform/client-limiter/index.ts';
import { newOwner } from '../../support/actors.ts';
import { FakeClock } from '../../support/clock.ts';
import { createMemoryLogger } from '../../support/logger.ts';
import { createSeededRandom } from '../../support/random.ts';

const STRANGER = '203.0.113.7';
const MINUTE_MS = 60_000;

const codeWrong = new AppError('forbidden', 'sign_in_code_wrong', 'No.');
const tooMuch = new AppError('rate_limited', 'rate_limited', 'No.');
const asking = { access: 'networks.read', audit: 'none' } as const;
const signingIn = { access: 'public', audit: 'access' } as const;
const page = { access: 'public', audit: 'none' } as const;

let clock: FakeClock;
let kept: Map<string, AbuseMeasure>;
let ended: Subject[];
let mails: string[];
let recorded: number;
let logger: ReturnType<typeof createMemoryLogger>;
const operator: AccountActor = newOwner(true);
const alice = newOwner();

const start = async (answers = true) => {
  const service = createAbuseService(
    { answers },
    {
      store: {
        list: async (nowMs) => [...kept.values()].filter(({ endsAtMs }) => endsAtMs > nowMs),
        put: async (measure) => {
          for (const { id, subject } of kept.values()) {
            if (subject.kind === measure.subject.kind && subject.id === measure.subject.id) kept.delete(id);
          }
          kept.set(measure.id, measure);
        },
        remove: async (id) => void kept.delete(id),
        removeEnded: async () => {},
      },
      live: { end: (subject) => ended.push(subject) },
      throttle: createClientLimiter({ countMax: 30, intervalMs: MINUTE_MS, clientsMax: 100 }, { clock }),
      outlets: {
        record: () => void recorded++,
        mail: (_subject, text) => mails.push(text),
        counted: () => {},
        measured: () => {},
      },
      clock,
      random: createSeededRandom(1),
      logger: logger.logger,
    },
  );
  await service.load();
  return service;
};

let abuse: Awaited<ReturnType<typeof start>>;
beforeEach(async () => {
  clock = new FakeClock();
  kept = new Map();
  [ended, mails, recorded] = [[], [], 0];
  logger = createMemoryLogger();
  abuse = await start();
});

const times = (count: number, work: (index: number) => void) => {
  for (let index = 0; index < count; index++) work(index);
};

const guess = (tried: string, remoteAddress = STRANGER) => abuse.guessed(remoteAddress, tried);
const refuse = (call: Partial<RefusedCall>) =>
  abuse.refused({
    operation: asking,
    actor: null,
    remoteAddress: STRANGER,
    error: codeWrong,
    asked: null,
    ...call,
  });

const outcomeOf = (call: Partial<Parameters<typeof abuse.requireAllowed>[0]>, service = abuse): string => {
  try {
    service.requireAllowed({ operation: asking, actor: null, remoteAddress: STRANGER, ...call });
    return 'allowed';
  } catch (error) {
    return (error as AppError).code;
  }
};

const measures = async () =>
  (await abuse.listMeasures(operator)).map(
    ({ measure, kind, subject }) => `${measure} ${kind} ${subject.kind}`,
  );

describe('guessing tokens', () => {
  it('slows the address down, cuts it off and locks it, and lets it go when the time is over', async () => {
    times(59, (index) => guess(`token-${index}`));
    expect(await measures()).toEqual([]);
    guess('token-59');
    expect(await measures()).toEqual(['throttle credentials address']);
    times(30, () => expect(outcomeOf({ operation: signingIn })).toBe('allowed'));
    expect(outcomeOf({ operation: signingIn })).toBe('rate_limited');
    times(239, (index) => guess(`more-${index}`));
    expect(await measures()).toEqual(['cut_off credentials address']);
    expect(outcomeOf({ operation: signingIn })).toBe('cut_off');
    expect(abuse.guessed(STRANGER, null)?.details).toMatchObject({ retryAfterSeconds: 3_600 });
    times(1_200, (index) => guess(`most-${index}`));
    expect(outcomeOf({ operation: signingIn })).toBe('locked');
    clock.advance(24 * 60 * MINUTE_MS);
    expect(outcomeOf({ operation: signingIn })).toBe('allowed');
    expect(abuse.guessed(STRANGER, null)).toBeNull();
  });

  it('with the same wrong token all the time is no guessing, nor is a guess every now and then', async () => {
    times(1_000, () => guess('the same'));
    for (let index = 0; index < 500; index++) {
      guess(`slow-${index}`, '198.51.100.1');
      clock.advance(MINUTE_MS / 5);
    }
    expect(await measures()).toEqual([]);
  });

  it('takes nothing from who shows a valid credential at the same address, nor pages and other addresses', () => {
    times(2_000, (index) => guess(`token-${index}`));
    expect(outcomeOf({ operation: signingIn })).toBe('locked');
    expect(outcomeOf({ actor: alice })).toBe('allowed');
    expect(outcomeOf({ operation: page })).toBe('allowed');
    expect(outcomeOf({ operation: signingIn, remoteAddress: '203.0.113.8' })).toBe('allowed');
  });
});

describe('a principal', () => {
  it('is cut off for what it does itself, everywhere, and what it has open ends', async () => {
    times(500, (index) =>
      refuse({ actor: alice, error: notFound('device'), asked: `/api/v1/devices/${index}?` }),
    );
    expect(outcomeOf({ actor: alice, remoteAddress: '192.0.2.1' })).toBe('cut_off');
    expect(ended).toEqual([{ kind: 'account', id: alice.accountId }]);
    expect(outcomeOf({ actor: newOwner() })).toBe('allowed');
  });

  it('has its account locked out by nobody who has an API key of it', async () => {
    const scope = { operations: ['*'], models: null, deviceIds: null, spendMicrocentsMax: null };
    const key = { ...alice, credentialId: asId<CredentialId>(alice.accountId), scope };
    times(2_500, (index) => refuse({ actor: key, error: notFound('device'), asked: `/${index}` }));
    expect(outcomeOf({ actor: key })).toBe('locked');
    expect(outcomeOf({ actor: alice })).toBe('allowed');
    expect(ended.at(-1)).toEqual({ kind: 'api_key', id: key.credentialId });
    times(300, () => refuse({ actor: alice }));
    const other = { ...key, credentialId: asId<CredentialId>(alice.tenantId) };
    expect(outcomeOf({ actor: other })).toBe('locked');
  });

  it('is not measured for what others of its tenant used up, nor a home for a fleet whose key is over', async () => {
    const usedUp = new AppError('rate_limited', 'rate_limited', 'No.', { details: { scope: 'tenant' } });
    times(2_000, () => refuse({ actor: alice, error: usedUp }));
    times(300, () => refuse({ error: new AppError('forbidden', 'bootstrap_key_wrong', 'No.') }));
    expect(await measures()).toEqual([]);
  });

  it('is never measured for codes that others type', () => {
    times(300, () => refuse({}));
    expect(outcomeOf({ operation: signingIn })).toBe('locked');
    expect(outcomeOf({ actor: alice })).toBe('allowed');
    expect(ended).toEqual([
      { kind: 'address', id: STRANGER },
      { kind: 'address', id: STRANGER },
    ]);
  });

  it('who runs the server is told of, and never measured', async () => {
    times(1_000, () => refuse({ actor: operator }));
    expect(outcomeOf({ actor: operator })).toBe('allowed');
    expect(await measures()).toEqual([]);
    expect(logger.lines).toHaveLength(3);
  });

  it('is refused nothing where the operator wants to be told only', async () => {
    abuse = await start(false);
    times(1_000, () => refuse({ actor: alice }));
    expect(outcomeOf({ actor: alice })).toBe('allowed');
    expect(recorded).toBe(3);
  });
});

it('an unusual day slows the tenant’s computations down and nothing else', async () => {
  const subject = { kind: 'tenant', id: alice.tenantId } as const;
  abuse.note({ kind: 'spending', subject, tried: '2026-01-01', isOperator: false });
  const computing = { access: 'market.request', audit: 'money' } as const;
  times(30, () => expect(outcomeOf({ actor: alice, operation: computing })).toBe('allowed'));
  expect(outcomeOf({ actor: alice, operation: computing })).toBe('rate_limited');
  expect(outcomeOf({ actor: alice })).toBe('allowed');
});

describe('the operator', () => {
  const lock = () => times(300, () => refuse({ actor: alice }));

  it('undoes a measure, and what led to it is forgotten', async () => {
    lock();
    const [locked] = await abuse.listMeasures(operator);
    await expect(abuse.liftMeasure(alice, locked?.id ?? '')).rejects.toMatchObject({ code: 'forbidden' });
    await abuse.liftMeasure(operator, locked?.id ?? '');
    refuse({ actor: alice });
    expect(outcomeOf({ actor: alice })).toBe('allowed');
    expect(kept.size).toBe(0);
    await expect(abuse.liftMeasure(operator, locked?.id ?? '')).rejects.toMatchObject({
      code: 'abuse_measure_not_found',
    });
  });

  it('undoes it in the database as well, and finds it there after a restart', async () => {
    lock();
    await abuse.stop();
    const later = await start();
    expect(outcomeOf({ actor: alice }, later)).toBe('locked');
    await later.refresh();
    expect(outcomeOf({ actor: alice }, later)).toBe('locked');
    kept.clear();
    await later.refresh();
    expect(outcomeOf({ actor: alice }, later)).toBe('allowed');
  });

  it('gets a line and a mail, and no flood of either', () => {
    times(1_000, (index) => times(60, (tried) => guess(`${tried}`, `192.0.2.${index % 256}-${index}`)));
    expect(logger.lines).toHaveLength(31);
    expect(recorded).toBe(30);
    expect(mails).toHaveLength(1);
    clock.advance(15 * MINUTE_MS);
    expect(mails).toHaveLength(2);
    expect(mails[1]).toContain('and 949 more');
  });
});

it('who goes on while it is throttled is cut off', async () => {
  times(100, () => refuse({ actor: alice, error: notFound('device') }));
  times(30 + 400, () => outcomeOf({ actor: alice }));
  expect(outcomeOf({ actor: alice })).toBe('cut_off');
});

it('a flood is what came beyond the limits', async () => {
  times(1_999, () => refuse({ actor: alice, error: tooMuch }));
  expect(await measures()).toEqual([]);
  refuse({ actor: alice, error: tooMuch });
  expect(await measures()).toEqual(['throttle flood account']);
});
