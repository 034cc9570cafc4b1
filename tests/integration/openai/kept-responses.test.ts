import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ANSWERS_KEPT_MS } from '../../../server/domains/answers/index.ts';
import { LASTING_OF_ACCOUNT_MAX } from '../../../server/transports/chat/limits.ts';
import { withApiKey } from '../../support/api-keys.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { type FakeProvider, until } from '../../support/market.ts';
import { bodyOf, startOpenAiMarket } from '../../support/openai-market.ts';

type World = Awaited<ReturnType<typeof startOpenAiMarket>>;

let db: TestDatabase;
let world: World;
let client: World['client'];
let provider: FakeProvider;

beforeAll(async () => {
  db = await createTestDatabase();
});
beforeEach(async () => {
  await world?.server.close();
  const answerBounds = { accountMax: 4, accountBytesMax: 8_000, tenantMax: 10, tenantBytesMax: 100_000 };
  world = await startOpenAiMarket(db, { answerBounds });
  ({ client } = world);
  provider = await world.market.provider();
  world.answerWith(provider, [{ reasoning_content: 'Hm.' }, { content: 'Hello' }], 'stop');
});
afterAll(async () => {
  await world?.server.close();
  await db.close();
});

const ask = (input: string, changes: object = {}) =>
  client.responses.create({ model: 'm', input, max_output_tokens: 100, ...changes });
const isGone = (id: string) =>
  expect(client.responses.retrieve(id)).rejects.toMatchObject({ status: 404, code: 'response_not_found' });

describe('a response that is kept', () => {
  it('is gone on from by its id, over a restart, with what came before and without its instructions', async () => {
    const first = await ask('One', { instructions: 'Be brief.' });
    expect(first).toMatchObject({ store: true, previous_response_id: null });
    const restarted = await world.restarted();
    const again = restarted.client.responses;
    expect(await again.retrieve(first.id)).toMatchObject({ id: first.id, output_text: 'Hello' });
    const events = await again.create({
      model: 'm',
      input: [{ role: 'user', content: 'Two' }],
      previous_response_id: first.id,
      stream: true,
    });
    let second = first;
    for await (const event of events) if (event.type === 'response.completed') second = event.response;
    expect(second.previous_response_id).toBe(first.id);
    await again.create({ model: 'm', input: 'Three', previous_response_id: second.id, store: false });
    const turn = (content: string) => [
      { role: 'user', content },
      { role: 'assistant', content: 'Hello', reasoning_content: 'Hm.' },
    ];
    expect(bodyOf(provider).messages).toEqual([
      ...turn('One'),
      ...turn('Two'),
      { role: 'user', content: 'Three' },
    ]);
    await restarted.server.close();
  });

  it('lists the conversation that it answers, item by item', async () => {
    const first = await ask('One');
    const second = await ask('Two', { previous_response_id: first.id });
    const { inputItems } = client.responses;
    const oldestFirst = await inputItems.list(second.id, { order: 'asc', limit: 2 });
    expect(oldestFirst).toMatchObject({ has_more: true });
    expect(oldestFirst.data).toMatchObject([
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'One' }] },
      { type: 'reasoning', id: first.output[0]?.id },
    ]);
    const texts: unknown[] = [];
    for await (const item of inputItems.list(second.id, { limit: 1 }))
      if ('content' in item) texts.push((item.content as { text: string }[])[0]?.text);
    expect(texts).toEqual(['Two', 'Hello', 'Hm.', 'One']);
    await expect(inputItems.list(second.id, { after: 'msg_none' })).rejects.toMatchObject({ param: 'after' });
    await expect(inputItems.list(second.id, { limit: 0 })).rejects.toMatchObject({ param: 'limit' });
  });

  it('has items that may be named instead of sent', async () => {
    const { output } = await ask('One');
    const named = output.map(({ id }) => ({ type: 'item_reference' as const, id: id as string }));
    await client.responses.create({ model: 'm', input: [...named, { role: 'user', content: 'Two' }] });
    expect(bodyOf(provider).messages).toEqual([
      { role: 'assistant', content: 'Hello', reasoning_content: 'Hm.' },
      { role: 'user', content: 'Two' },
    ]);
    const unknown = { type: 'item_reference' as const, id: `${output[0]?.id}9` };
    await expect(client.responses.create({ model: 'm', input: [unknown] })).rejects.toMatchObject({
      status: 400,
      param: 'input.0.id',
    });
  });

  it('is named at most as often as it could be sent: a short request is no long conversation', async () => {
    const { id } = await ask('x'.repeat(5_000));
    const named = Array.from({ length: 2_000 }, () => ({
      type: 'item_reference' as const,
      id: `msg_${id.slice('resp_'.length)}_in0`,
    }));
    const asked = client.responses.create({ model: 'm', input: named, background: true });
    await expect(asked).rejects.toMatchObject({
      status: 400,
      param: 'input',
      message: expect.stringContaining('bytes'),
    });
  });

  it('is no longer there when it was removed, and what went on from it is', async () => {
    const first = await ask('One');
    const second = await ask('Two', { previous_response_id: first.id });
    expect(await client.responses.delete(first.id)).toMatchObject({ deleted: true });
    await isGone(first.id);
    await expect(client.responses.delete(first.id)).rejects.toMatchObject({ status: 404 });
    await expect(ask('Three', { previous_response_id: first.id })).rejects.toMatchObject({
      status: 400,
      code: 'previous_response_not_found',
      param: 'previous_response_id',
    });
    await ask('Three', { previous_response_id: second.id });
    expect((bodyOf(provider).messages as object[])[0]).toEqual({ role: 'user', content: 'One' });
  });

  it('is not kept where the request says so, nor for longer than thirty days', async () => {
    const unkept = await ask('One', { store: false });
    expect(unkept).toMatchObject({ store: false });
    await isGone(unkept.id);
    const kept = await ask('One');
    world.market.clock.advance(ANSWERS_KEPT_MS - 1);
    await client.responses.retrieve(kept.id);
    world.market.clock.advance(1);
    await isGone(kept.id);
    await world.market.answers.removeExpired();
    const rows = await db.database.system(
      'money',
      (sql) => sql`SELECT 1 FROM stored_answers WHERE id = ${kept.id.slice(5)}`,
    );
    expect(rows).toHaveLength(0);
  });

  it('makes room for newer ones, by number and by bytes, of its own account first', async () => {
    const poor = client.withOptions({ apiKey: 'ygu_poor' });
    await world.market.topUp(world.actors.get('ygu_poor') as typeof world.alice, 1_000);
    const others = await poor.responses.create({ model: 'm', input: 'x', max_output_tokens: 100 });
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) {
      ids.push((await ask(`${index}`)).id);
      world.market.clock.advance(1);
    }
    await isGone(ids[0] as string);
    await client.responses.retrieve(ids[1] as string);
    await world.market.topUp(world.alice, 10_000);
    const large = await ask('x'.repeat(6_000));
    for (const id of ids) await isGone(id);
    await client.responses.retrieve(large.id);
    await poor.responses.retrieve(others.id);
  });

  it("of an API key is the account's and its own, over a restart too; of another key it is like one that never was", async () => {
    for (const token of ['ygk_one', 'ygk_other'])
      world.actors.set(token, await withApiKey(db.database, world.alice));
    const restarted = await world.restarted();
    for (const background of [false, true]) {
      const asked = { model: 'm', input: 'One', background };
      const { id } = await client.withOptions({ apiKey: 'ygk_one' }).responses.create(asked);
      await until(async () => (await client.responses.retrieve(id)).status === 'completed');
      for (const server of [client, restarted.client]) {
        const of = (apiKey: string) => server.withOptions({ apiKey }).responses;
        await of('ygk_one').retrieve(id);
        for (const way of ['retrieve', 'cancel', 'delete'] as const)
          await expect(of('ygk_other')[way](id)).rejects.toMatchObject({ code: 'response_not_found' });
        const goneOn = of('ygk_other').create({ model: 'm', input: 'Two', previous_response_id: id });
        await expect(goneOn).rejects.toMatchObject({ code: 'previous_response_not_found' });
        await of('ygk_one').create({ model: 'm', input: 'Two', previous_response_id: id, store: false });
      }
      await client.responses.delete(id);
    }
    const ofAccount = await ask('One');
    const byKey = client.withOptions({ apiKey: 'ygk_one' }).responses.retrieve(ofAccount.id);
    await expect(byKey).rejects.toMatchObject({ code: 'response_not_found' });
    await restarted.server.close();
  });

  it('of another is like one that never was, and what it says is sealed', async () => {
    const kept = await ask('A secret of mine');
    const poor = client.withOptions({ apiKey: 'ygu_poor' }).responses;
    const refusalOf = (answer: Promise<unknown>) => answer.catch(({ status, error }) => ({ status, error }));
    const never = `resp_${crypto.randomUUID()}`;
    const naming = (id: string) => poor.create({ model: 'm', input: 'x', previous_response_id: id });
    for (const way of [
      (id: string) => poor.retrieve(id),
      (id: string) => poor.inputItems.list(id),
      (id: string) => poor.cancel(id),
      (id: string) => poor.delete(id),
      naming,
    ])
      expect(await refusalOf(way(kept.id) as Promise<unknown>)).toEqual(
        await refusalOf(way(never) as Promise<unknown>),
      );
    const [row] = await db.database.system(
      'money',
      (sql) =>
        sql<{ content: Uint8Array }[]>`SELECT content FROM stored_answers WHERE id = ${kept.id.slice(5)}`,
    );
    expect(Buffer.from(row?.content ?? []).includes('secret')).toBe(false);
    expect(row?.content.length).toBeGreaterThan(100);
  });
});

describe('a response in the background', () => {
  const background = { background: true, max_output_tokens: 50 };

  it('is there over a restart when it has ended, and its events are not', async () => {
    const begun = await ask('One', background);
    const ended = await until(async () => {
      const response = await client.responses.retrieve(begun.id);
      return response.status === 'completed' ? response : null;
    });
    const restarted = await world.restarted();
    expect(await restarted.client.responses.retrieve(begun.id)).toEqual(ended);
    await expect(restarted.client.responses.retrieve(begun.id, { stream: true })).rejects.toMatchObject({
      status: 400,
      param: 'stream',
    });
    await restarted.server.close();
  });

  it('says that its server stopped where it had not ended, and is nothing to go on from', async () => {
    provider.onRequest = () => {};
    const begun = await ask('One', background);
    await expect(ask('Two', { previous_response_id: begun.id })).rejects.toMatchObject({
      param: 'previous_response_id',
    });
    const restarted = await world.restarted();
    const { responses } = restarted.client;
    const stopped = { status: 'failed', error: { code: 'server_stopped' } };
    expect(await responses.retrieve(begun.id)).toMatchObject(stopped);
    expect(await responses.cancel(begun.id)).toMatchObject(stopped);
    await restarted.server.close();
    await client.responses.cancel(begun.id);
  });

  it('that is removed while it is at work stays removed', async () => {
    provider.onRequest = () => {};
    const begun = await ask('One', background);
    await until(() => provider.requests.length > 0);
    await client.responses.delete(begun.id);
    await until(async () => (await world.market.balance(world.alice)).held === 0);
    await isGone(begun.id);
    const restarted = await world.restarted();
    await expect(restarted.client.responses.retrieve(begun.id)).rejects.toMatchObject({ status: 404 });
    await restarted.server.close();
  });

  it('that is refused, since too many are at work, leaves nothing behind', async () => {
    provider.onRequest = () => {};
    const begun = await Promise.all(
      Array.from({ length: LASTING_OF_ACCOUNT_MAX }, () => ask('One', { ...background, store: false })),
    );
    await expect(ask('Two', { ...background })).rejects.toMatchObject({ status: 429 });
    const kept = await db.database.system(
      'money',
      (sql) => sql`SELECT id FROM stored_answers WHERE account_id = ${world.alice.accountId}`,
    );
    expect(kept).toHaveLength(0);
    for (const { id } of begun) await client.responses.delete(id);
  });

  it('is kept with its bill or not at all: a server that stops between both leaves both', async () => {
    const { answers } = world.market;
    // Nothing that comes behind the commit of the bill is carried out any more.
    const stopping = await world.restarted({ answers: { ...answers, end: () => new Promise(() => {}) } });
    const begun = await stopping.client.responses.create({ model: 'm', input: 'One', ...background });
    await until(async () => (await world.market.lastTransaction(world.alice))?.state === 'COMPLETED');
    const after = await world.restarted();
    const response = await after.client.responses.retrieve(begun.id);
    expect(response).toMatchObject({ status: 'completed', output_text: 'Hello' });
    const headers = { authorization: 'Bearer ygu_alice' };
    const generation = await fetch(`${after.origin}/v1/generation?id=${begun.id}`, { headers });
    const bill = await world.market.lastTransaction(world.alice);
    expect(await generation.json()).toMatchObject({
      data: {
        id: bill?.id,
        state: 'COMPLETED',
        streamed: true,
        cost: (response.usage as { cost?: object }).cost,
      },
    });
    await stopping.server.close();
    await after.server.close();
  });

  it('that meets a fault of ours has failed', async () => {
    const { requests } = world.market;
    const broken = { ...requests, createRequest: () => Promise.reject(new TypeError('a fault')) };
    const restarted = await world.restarted({ requests: broken });
    const { responses } = restarted.client;
    const begun = await responses.create({ model: 'm', input: 'One', background: true });
    const failed = await until(async () => {
      const response = await responses.retrieve(begun.id);
      return response.status === 'failed' ? response : null;
    });
    expect(failed.error).toMatchObject({ code: 'internal' });
    await restarted.server.close();
  });
});

it('a client of OpenAI is told of a previous response that is not kept in its own class', async () => {
  const answer: unknown = await ask('One', { previous_response_id: 'resp_none' }).catch(
    (error: unknown) => error,
  );
  expect(answer).toBeInstanceOf(OpenAI.BadRequestError);
});
