import { describe, expect, it } from 'vitest';
import { transferIdFor } from '../../../server/domains/ledger/accounts.ts';
import { LEDGER_WRITER_LIMITS, LedgerWriter } from '../../../server/domains/ledger/index.ts';
import type { LedgerCommand, UnitOfWork, UnitOutcome } from '../../../server/domains/ledger/types.ts';
import { InvariantError } from '../../../server/kernel/errors.ts';
import { asId, type TenantId } from '../../../server/kernel/ids.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import { createSeededRandom } from '../../support/random.ts';

const owner = { tenantId: asId<TenantId>('t') };
const command = (name: string): LedgerCommand => ({
  kind: 'top_up',
  id: transferIdFor(name),
  owner,
  amountMicrocents: 1n,
  clearing: 'manual',
});
const unit = (...names: string[]): UnitOfWork => ({ commands: names.map(command), rows: [] });
const has = (units: readonly UnitOfWork[], name: string) =>
  units.some(({ commands }) => commands.some(({ id }) => id === transferIdFor(name)));
const refused: UnitOutcome = { ok: false, reason: 'insufficient_balance', command: 0 };

function createWriter(
  apply: (units: readonly UnitOfWork[]) => Promise<readonly UnitOutcome[]>,
  limits: Partial<Record<keyof typeof LEDGER_WRITER_LIMITS, number>> = {},
) {
  const clock = new FakeClock();
  const dependencies = { store: { apply }, clock, random: createSeededRandom(1), logger: silentLogger };
  return { clock, writer: new LedgerWriter({ ...LEDGER_WRITER_LIMITS, ...limits }, dependencies) };
}

describe('the ledger writer', () => {
  it('puts what waits into one batch, keeps order, and answers each with its own outcome', async () => {
    const batches: number[] = [];
    const { writer } = createWriter(async (units) => {
      batches.push(units.length);
      return units.map((each) =>
        has([each], '3') ? refused : { ok: false, reason: 'hold_resolved', command: 1 },
      );
    });
    const outcomes = await Promise.all(Array.from({ length: 10 }, (_, i) => writer.submit(unit(String(i)))));
    expect(batches).toEqual([10]);
    expect(outcomes[3]).toEqual(refused);
    expect(outcomes[4]).toEqual({ ok: false, reason: 'hold_resolved', command: 1 });
  });

  it('takes no more parts into a batch than it may have, and never half a unit', async () => {
    const batches: number[] = [];
    const { writer } = createWriter(
      async (units) => {
        batches.push(units.reduce((sum, { commands }) => sum + commands.length, 0));
        return units.map(() => refused);
      },
      { batchItemsMax: 4, unitItemsMax: 4 },
    );
    await Promise.all(
      [unit('a', 'b'), unit('c', 'd', 'e'), unit('f'), unit('g', 'h', 'i', 'j'), unit('k')].map((each) =>
        writer.submit(each),
      ),
    );
    expect(batches).toEqual([2, 4, 4, 1]);
  });

  it('refuses a unit without parts, one with too many, and a hold without an end, before anything is queued', async () => {
    const calls: number[] = [];
    const { writer } = createWriter(async (units) => {
      calls.push(units.length);
      return units.map(() => refused);
    });
    const many = Array.from({ length: LEDGER_WRITER_LIMITS.unitItemsMax + 1 }, (_, i) => String(i));
    const hold = {
      kind: 'hold',
      id: transferIdFor('h'),
      owner,
      amountMicrocents: 1n,
      transactionId: null,
    } as const;
    for (const wrong of [
      unit(),
      unit(...many),
      ...[0, 1.5, Number.NaN, 86_400_001].map((expiresAfterMs) => ({
        commands: [{ ...hold, expiresAfterMs }],
        rows: [],
      })),
    ]) {
      await expect(writer.submit(wrong)).rejects.toThrow(InvariantError);
    }
    await writer.close();
    expect(calls).toEqual([]);
  });

  it('repeats a batch whose transaction failed, then succeeds', async () => {
    let calls = 0;
    const { writer, clock } = createWriter(async (units) => {
      if (++calls < 3) throw Object.assign(new Error('connection lost'), { code: 'CONNECTION_CLOSED' });
      return units.map(() => refused);
    });
    const answer = writer.submit(unit('a'));
    for (let i = 0; i < 3; i++) {
      await turn();
      clock.advance(1_000);
    }
    expect(await answer).toEqual(refused);
    expect(calls).toBe(3);
  });

  it('answers every unit of a batch with unavailable when the database stays away, and goes on afterwards', async () => {
    let down = true;
    const { writer, clock } = createWriter(async (units) => {
      if (down) throw new Error('down');
      return units.map(() => refused);
    });
    const answers = Promise.allSettled([writer.submit(unit('a')), writer.submit(unit('b'))]);
    for (let i = 0; i < 5; i++) {
      await turn();
      clock.advance(1_000);
    }
    for (const answer of await answers) {
      expect(answer).toMatchObject({
        status: 'rejected',
        reason: { kind: 'unavailable', code: 'unavailable' },
      });
    }
    down = false;
    expect(await writer.submit(unit('c'))).toEqual(refused);
  });

  it.each(['23514', '22003', '42703', 'P0001'])(
    'lets one unit that the database refuses with %s fail alone, found by halving, without a pause',
    async (code) => {
      let calls = 0;
      const { writer, clock } = createWriter(async (units) => {
        calls++;
        if (has(units, '77')) throw Object.assign(new Error('refused'), { code });
        return units.map(() => refused);
      });
      const answers = await Promise.allSettled(
        Array.from({ length: 128 }, (_, i) => writer.submit(unit(String(i)))),
      );
      const failed = answers.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []));
      expect(failed).toEqual([77]);
      expect(answers[77]).toMatchObject({ reason: { name: 'InvariantError' } });
      expect(calls).toBe(1 + 2 * 7);
      expect(clock.pending).toBe(0);
    },
  );

  it('does not repeat or hide a bug of ours', async () => {
    let calls = 0;
    const { writer } = createWriter(async () => {
      calls++;
      throw new InvariantError('impossible');
    });
    await expect(writer.submit(unit('a'))).rejects.toThrow('impossible');
    expect(calls).toBe(1);
  });

  it('writes the units of different tenants in turn, whoever came first with however many', async () => {
    const written: string[] = [];
    const { writer } = createWriter(
      async (units) => {
        written.push(...units.map(({ tenantId }) => String(tenantId)));
        return units.map(() => refused);
      },
      { batchItemsMax: 4, queuedUnitsMax: 1_000 },
    );
    const of = (tenant: string, name: string) =>
      writer.submit({ ...unit(`${tenant} ${name}`), tenantId: asId<TenantId>(tenant) });
    const busy = Array.from({ length: 200 }, (_, index) => of('busy', String(index)));
    const quiet = [of('quiet', '0'), of('quiet', '1')];
    await Promise.all([...quiet, ...busy]);
    expect(written.slice(0, 4)).toEqual(['busy', 'quiet', 'busy', 'quiet']);
    expect(written).toHaveLength(202);
  });

  it('has room for others when one tenant has filled its line', async () => {
    const { writer } = createWriter(async (units) => units.map(() => refused), { queuedUnitsMax: 10 });
    const of = (tenant: string, name: number) =>
      writer.submit({ ...unit(`${tenant} ${name}`), tenantId: asId<TenantId>(tenant) });
    const results = await Promise.allSettled(Array.from({ length: 8 }, (_, index) => of('busy', index)));
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(3);
    await expect(of('quiet', 0)).resolves.toEqual(refused);
  });

  it('refuses with unavailable what its queue can not take, and everything once it is closed', async () => {
    const { writer } = createWriter(async (units) => units.map(() => refused), { queuedUnitsMax: 4 });
    const taken = [writer.submit(unit('a')), writer.submit(unit('b'))];
    await expect(writer.submit(unit('c'))).rejects.toMatchObject({ code: 'unavailable' });
    await writer.close();
    expect(await Promise.all(taken)).toEqual([refused, refused]);
    await expect(writer.submit(unit('d'))).rejects.toMatchObject({ code: 'unavailable' });
  });
});
