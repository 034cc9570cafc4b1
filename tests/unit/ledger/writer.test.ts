import { describe, expect, it } from 'vitest';
import { transferIdFor } from '../../../server/domains/ledger/accounts.ts';
import { LEDGER_WRITER_LIMITS, LedgerWriter } from '../../../server/domains/ledger/index.ts';
import type { LedgerCommand, LedgerOutcome } from '../../../server/domains/ledger/types.ts';
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
  amountCents: 1n,
});
const refused: LedgerOutcome = { ok: false, reason: 'insufficient_balance' };

function createWriter(
  apply: (commands: readonly LedgerCommand[]) => Promise<readonly LedgerOutcome[]>,
  limits: { queuedCommandsMax?: number } = {},
) {
  const clock = new FakeClock();
  const dependencies = { store: { apply }, clock, random: createSeededRandom(1), logger: silentLogger };
  return { clock, writer: new LedgerWriter({ ...LEDGER_WRITER_LIMITS, ...limits }, dependencies) };
}

describe('the ledger writer', () => {
  it('puts what waits into one batch, keeps order, and answers each with its own outcome', async () => {
    const batches: number[] = [];
    const { writer } = createWriter(async (commands) => {
      batches.push(commands.length);
      return commands.map((each) =>
        each.id === transferIdFor('3') ? refused : { ok: false, reason: 'hold_resolved' },
      );
    });
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, i) => writer.submit(command(String(i)))),
    );
    expect(batches).toEqual([10]);
    expect(outcomes[3]).toEqual(refused);
    expect(outcomes[4]).toEqual({ ok: false, reason: 'hold_resolved' });
  });

  it('repeats a batch whose transaction failed, then succeeds', async () => {
    let calls = 0;
    const { writer, clock } = createWriter(async (commands) => {
      if (++calls < 3) throw Object.assign(new Error('connection lost'), { code: 'CONNECTION_CLOSED' });
      return commands.map(() => refused);
    });
    const answer = writer.submit(command('a'));
    for (let i = 0; i < 3; i++) {
      await turn();
      clock.advance(1_000);
    }
    expect(await answer).toEqual(refused);
    expect(calls).toBe(3);
  });

  it('answers every command of a batch with unavailable when the database stays away, and goes on afterwards', async () => {
    let down = true;
    const { writer, clock } = createWriter(async (commands) => {
      if (down) throw new Error('down');
      return commands.map(() => refused);
    });
    const answers = Promise.allSettled([writer.submit(command('a')), writer.submit(command('b'))]);
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
    expect(await writer.submit(command('c'))).toEqual(refused);
  });

  it('lets one command that the database can not take fail alone', async () => {
    const { writer, clock } = createWriter(async (commands) => {
      if (commands.some((each) => each.id === transferIdFor('bad'))) {
        throw Object.assign(new Error('check violation'), { code: '23514' });
      }
      return commands.map(() => refused);
    });
    const answers = Promise.allSettled(['a', 'bad', 'b'].map((name) => writer.submit(command(name))));
    for (let i = 0; i < 10; i++) {
      await turn();
      clock.advance(1_000);
    }
    expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('does not repeat or hide a bug of ours', async () => {
    let calls = 0;
    const { writer } = createWriter(async () => {
      calls++;
      throw new InvariantError('impossible');
    });
    await expect(writer.submit(command('a'))).rejects.toThrow(InvariantError);
    expect(calls).toBe(1);
  });

  it('refuses with unavailable what its queue can not take, and everything once it is closed', async () => {
    const { writer } = createWriter(async (commands) => commands.map(() => refused), {
      queuedCommandsMax: 2,
    });
    const taken = [writer.submit(command('a')), writer.submit(command('b'))];
    await expect(writer.submit(command('c'))).rejects.toMatchObject({ code: 'unavailable' });
    await writer.close();
    expect(await Promise.all(taken)).toEqual([refused, refused]);
    await expect(writer.submit(command('d'))).rejects.toMatchObject({ code: 'unavailable' });
  });
});
