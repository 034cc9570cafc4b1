import { readFile } from 'node:fs/promises';
import OpenAI from 'openai';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { says } from '../support/endpoint-stand-in.ts';
import { SCREENS, type Screen, signInWithToken, visit } from '../support/page-visitor.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { runCommand } from '../support/server-process.ts';
import { type Serving, serve } from '../support/serving.ts';
import { createHousehold, createWorld, type Household, topUp, type World } from '../support/world.ts';

/** What somebody else has chosen: as long as it may be, HTML, from right to left. */
const MODEL = `meta/${'m'.repeat(120)}`;
const ANSWER = `<b>Forty-two</b>${'x'.repeat(10_000)}`;
const COMPLAINT = `<img src=x onerror=alert(1)> خطأ ${'w'.repeat(1_900)}`;

let browser: Browser;
let server: TestServer;
let world: World;
let serving: Serving;

beforeAll(async () => {
  [browser, server] = await Promise.all([launchChromium(), startTestServer()]);
  world = await createWorld(server);
  serving = await serve(server, world.bob.device, MODEL);
});
afterAll(async () => {
  await serving?.stop();
  await browser?.close();
  await server?.stop();
});

async function visitAs(token: string, screen: Screen) {
  const visitor = await visit(browser, server.httpUrl, screen);
  await signInWithToken(visitor, token);
  return visitor;
}

/** Asks the model over the API, and returns the id of the transaction. */
async function buy({ token }: Household): Promise<string> {
  serving.endpoint.answering = (response) => says(response, [ANSWER]);
  const client = new OpenAI({ baseURL: `${server.httpUrl}/v1`, apiKey: token, maxRetries: 0 });
  const { id } = await client.chat.completions.create({
    model: MODEL,
    messages: [{ role: 'user', content: 'And?' }],
  });
  return id.replace('chatcmpl-', '');
}

/** What a page gives to keep, when this is done. */
async function downloaded(page: Page, act: () => Promise<void>): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent('download'), act()]);
  return download.path();
}

describe.each(Object.keys(SCREENS) as Screen[])('on a %s', (screen) => {
  let household: Household;
  beforeAll(async () => {
    household = await createHousehold(server, world.adminToken);
    await topUp(world, household.userId, 100_000);
  });

  test('somebody asks a model, sees what it costs, and gives a key to a program', async () => {
    serving.endpoint.answering = (response) => says(response, ['<b>Forty', '-two</b>', 'x'.repeat(10_000)]);
    const alice = await visitAs(household.token, screen);
    const { page } = alice;
    await alice.goTo('#/chat');
    await page.getByLabel('Message').fill('What is it?');
    await page.getByLabel('Message').press('Enter');
    await page.getByText(ANSWER).waitFor();
    await page.getByText(/\d+ tokens, €\d/).waitFor();
    await alice.requireUsable();

    await alice.goTo('#/use');
    await page.getByLabel('Name of the key').fill('Notebook');
    await page.getByLabel('Limit a day').fill('2.50');
    await page.getByRole('button', { name: 'Make a key' }).click();
    const key = (await page.getByRole('region', { name: /Your new key/ }).textContent()) ?? '';
    await page.getByText(/of .*2\.50 today/).waitFor();
    const code = (await page.getByRole('region', { name: 'Python' }).textContent()) ?? '';
    expect(code).toContain(`base_url="${server.httpUrl}/v1", api_key="${key}"`);
    await alice.requireUsable();
    const client = new OpenAI({ baseURL: `${server.httpUrl}/v1`, apiKey: key, maxRetries: 0 });
    const answer = await client.chat.completions.create({
      model: MODEL,
      messages: [{ role: 'user', content: 'And?' }],
    });
    expect(answer.choices[0]?.message.content).toBe(ANSWER);
    await alice.leaveWithoutComplaint();
  });

  test('somebody finds a model, lets it call a tool, and sees what that costs', async () => {
    const alice = await visitAs(household.token, screen);
    const { page } = alice;
    await alice.goTo('#/models');
    await page.getByText(MODEL, { exact: true }).waitFor();
    await alice.requireUsable();
    await page.getByRole('searchbox').fill('nothing of that name');
    await page.getByText('No model is called so.').waitFor();
    await page.getByRole('searchbox').fill('META/');
    await page.getByText(MODEL, { exact: true }).click();
    await page.getByRole('heading', { level: 1, name: MODEL }).waitFor();
    await page.getByRole('cell', { name: '120', exact: true }).waitFor();
    await alice.requireUsable();

    await page.getByRole('link', { name: 'Ask it' }).click();
    await page.getByText('Instructions and tools').click();
    await page.getByRole('button', { name: 'Fill in an example' }).click();
    await page.getByLabel('Instructions').fill('Be short.');
    const call = {
      index: 0,
      id: 'call_1',
      function: { name: 'read_temperature', arguments: '{"room":"<b>hall</b>"}' },
    };
    serving.endpoint.answering = (response) => says(response, [{ tool_calls: [call] }], 'tool_calls');
    await page.getByLabel('Message').fill('How warm is it?');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('calls read_temperature {"room":"<b>hall</b>"}').waitFor();
    await page.getByLabel('What read_temperature answers').fill('21 degrees');
    await alice.requireUsable();
    serving.endpoint.answering = (response) => says(response, ['It is 21 degrees.']);
    await page.getByRole('button', { name: 'Answer the calls' }).click();
    await page.getByText('It is 21 degrees.').waitFor();
    await page.getByText(/This conversation: €\d/).waitFor();
    expect(serving.endpoint.asked.at(-1)?.messages).toMatchObject([
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: 'How warm is it?' },
      { role: 'assistant', tool_calls: [{ id: 'call_1', function: { name: 'read_temperature' } }] },
      { role: 'tool', tool_call_id: 'call_1', content: '21 degrees' },
    ]);
    await alice.leaveWithoutComplaint();
  });

  test('a transaction is found with what was spent, proves itself, is disputed, and an operator gives a part back', async () => {
    const id = await buy(household);
    const alice = await visitAs(household.token, screen);
    const { page } = alice;
    await alice.goTo('#/spending');
    await page.getByRole('img', { name: /€[\d.]+ for \d+ requests/ }).waitFor();
    await page.getByRole('rowheader', { name: MODEL }).waitFor();
    await page.getByRole('rowheader', { name: 'without a key' }).waitFor();
    await page.getByLabel('Limit a day').fill('50');
    await page.getByRole('button', { name: 'Save the limits' }).click();
    await page.getByText('of €50.00').waitFor();
    await alice.requireUsable();
    const table = await downloaded(page, () => page.getByRole('button', { name: 'Download (CSV)' }).click());
    expect(await readFile(table, 'utf8')).toMatch(/^at,requests,/);

    await alice.goTo('#/transactions');
    await page.getByRole('list', { name: 'Transactions' }).getByRole('link').first().click();
    await page.getByText(id).waitFor();
    const button = page.getByRole('button', { name: 'Download the receipt' });
    const receipt = await downloaded(page, () => button.click());
    await page.getByText('All that it says').click();
    await page
      .getByRole('region', { name: /All that it says/ })
      .getByText('yggdrasil receipt')
      .waitFor();
    await alice.requireUsable();
    const command = (await page.getByRole('region', { name: /Check it without/ }).textContent()) ?? '';
    const [program, audit = '', verify = '', , ...rest] = command.split(' ');
    expect([program, audit, verify]).toEqual(['yggdrasil', 'audit', 'verify']);
    const checked = await runCommand(audit, { arguments: [verify, receipt, ...rest] });
    expect(checked).toMatchObject({ code: 0 });

    await page.getByRole('combobox', { name: 'What was it worth?' }).selectOption('4 of 5 stars');
    await page.getByRole('button', { name: 'Rate it' }).click();
    await page.getByText('You gave it 4 of 5 stars.').waitFor();
    await page.getByRole('combobox', { name: 'What was it worth?' }).selectOption('2 of 5 stars');
    await page.getByRole('button', { name: 'Rate it' }).click();
    await page.getByText('You gave it 2 of 5 stars.').waitFor();
    await alice.requireUsable();

    await page.getByLabel('Reason').selectOption('The answer is wrong');
    await page.getByLabel('What happened').fill(COMPLAINT);
    await page.getByRole('button', { name: 'Open the dispute' }).click();
    await page.getByText(COMPLAINT).waitFor();
    await alice.requireUsable();

    const bob = await visitAs(world.bob.token, screen);
    await bob.goTo('#/selling');
    await bob.page.getByRole('region', { name: 'Now' }).getByText('Tokens a second').waitFor();
    await bob.page.getByRole('list', { name: 'Your machines' }).getByRole('link').first().click();
    await bob.page.getByText(/of 5 stars, by \d accounts/).waitFor();
    await bob.page.getByText(/^2 stars: [12]$/).waitFor();
    await bob.requireUsable();
    await bob.goTo('#/disputes');
    await bob.page.getByLabel('Side').selectOption('Served by you');
    await bob.requireUsable();
    await bob.page.getByRole('list', { name: 'Disputes' }).getByRole('link').first().click();
    await bob.page.getByText(COMPLAINT).waitFor();
    await bob.page.getByLabel('What happened').fill('It was as long as it was asked for.');
    await bob.page.getByRole('button', { name: 'Send' }).click();
    await bob.page.getByText('It was as long as it was asked for.').waitFor();
    await bob.page.getByRole('button', { name: 'Give everything back' }).waitFor();
    await bob.requireUsable();
    await bob.leaveWithoutComplaint();

    const operator = await visitAs(world.adminToken, screen);
    await operator.goTo('#/administration/disputes');
    await operator.page.getByText(/^The answer is wrong · /).click();
    await operator.page.getByText('It was as long as it was asked for.').waitFor();
    await operator.page.getByLabel('Decision').selectOption('A part goes back');
    await operator.page.getByLabel('Amount in EUR').fill('0.01');
    await operator.page.getByLabel('Reason, which both').fill('Both are <b>right</b>.');
    await operator.requireUsable();
    await operator.page.getByRole('button', { name: 'Decide' }).click();
    await operator.page.getByText('There is no such dispute.').waitFor();
    await operator.leaveWithoutComplaint();

    await page.reload();
    await page.getByText('Both are <b>right</b>.', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Download the receipt' }).waitFor();
    await page.getByRole('link', { name: 'Transaction', exact: true }).click();
    await page.getByText('Refunded').first().waitFor();
    await page.getByText('It is disputed. A part goes back.').waitFor();
    await alice.requireUsable();
    await alice.leaveWithoutComplaint();
  });

  test('somebody sells with a machine: sees why it gets work, changes its price, pauses it, and takes it off the market', async () => {
    const name = '<i>مخزن</i>';
    const seller = await createHousehold(server, world.adminToken);
    await server.request('PUT', `/api/v1/devices/${seller.device.deviceId}`, {
      body: { name },
      token: seller.token,
      expect: 200,
    });
    const carol = await visitAs(seller.token, screen);
    const { page } = carol;
    await carol.goTo('#/selling');
    await page.getByText('No machine of yours sells yet.').waitFor();
    await page.getByRole('button', { name: 'Sell with a device' }).click();
    await page.getByRole('combobox', { name: 'Device' }).selectOption(name);
    await page.getByLabel('Name of the model').fill(MODEL);
    await page.getByLabel('Prompt, ct').fill('25');
    await page.getByLabel('Answer, ct').fill('100');
    await carol.requireUsable();
    await page.getByRole('button', { name: 'Register' }).click();
    await page.getByText('Its program is not connected.').waitFor();
    await page.getByRole('heading', { name }).waitFor();

    const machine = await serve(server, seller.device, MODEL);
    await page.getByText('On the market').waitFor();
    machine.endpoint.answering = (response) => says(response, ['ok']);
    await page.getByRole('button', { name: 'Send a test request' }).click();
    await page.getByText(/first text after \d+ ms/).waitFor();
    await page.getByRole('cell', { name: '62.5' }).first().waitFor();
    await carol.requireUsable();
    await page.getByLabel('Answer, ct').fill('110');
    await page.getByRole('button', { name: 'Save the offer' }).click();
    await page.getByRole('cell', { name: '67.5' }).first().waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('You have paused it.').waitFor();
    await page.getByRole('button', { name: 'Sell again' }).click();
    await page.getByText('On the market').waitFor();
    await carol.goTo('#/selling');
    await page.getByText(/On the market · Quality/).waitFor();
    await carol.requireUsable();
    await page.getByText(name).click();
    await page.getByRole('button', { name: 'Take off the market' }).click();
    await page.getByRole('group').getByRole('button', { name: 'Take off the market' }).click();
    await page.getByText('No machine of yours sells yet.').waitFor();
    await machine.stop();
    await carol.leaveWithoutComplaint();
  });

  test('an allowance is shown until it is used up, and what is asked runs now', async () => {
    const owner = await createHousehold(server, world.adminToken);
    await server.request('POST', '/api/v1/ledger/allowances', {
      body: {
        userId: owner.userId,
        tokens: 1_000_000,
        endsAt: new Date(Date.now() + 86_400_000).toISOString(),
      },
      headers: { 'idempotency-key': owner.userId },
      token: world.adminToken,
      expect: 201,
    });
    const fay = await visitAs(owner.token, screen);
    const { page } = fay;
    await fay.goTo('#/spending');
    await page.getByText('1,000,000 of 1,000,000 tokens are left').waitFor();
    const now = page.getByRole('region', { name: 'Now' });
    let finish = () => {};
    serving.endpoint.answering = async (response) => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      says(response, [ANSWER]);
    };
    const client = new OpenAI({ baseURL: `${server.httpUrl}/v1`, apiKey: owner.token, maxRetries: 0 });
    const asked = client.chat.completions.create({
      model: MODEL,
      messages: [{ role: 'user', content: 'And?' }],
    });
    await now.locator('.card', { hasText: 'Running' }).getByText('1', { exact: true }).waitFor();
    await fay.requireUsable();
    finish();
    await asked;
    await now.locator('.card', { hasText: 'Running' }).getByText('0', { exact: true }).waitFor();
    await page.reload();
    await page.getByText(/9\d\d,\d{3} of 1,000,000 tokens are left/).waitFor();
    await fay.goTo('#/transactions');
    await page.getByRole('list', { name: 'Transactions' }).getByRole('link').first().click();
    await page.getByText('Of it, by an allowance').waitFor();
    await fay.requireUsable();
    await fay.leaveWithoutComplaint();
  });

  test('a guest of a network sees the models, but nothing of the money, and nothing that would be refused', async () => {
    const { secret } = await server.post<{ secret: string }>(
      '/api/v1/invitations',
      { role: 'guest', networkIds: [household.network.id] },
      household.token,
    );
    const guest = await createHousehold(server, world.adminToken);
    await server.post('/api/v1/invitations/redeem', { token: secret }, guest.token);
    const dan = await visitAs(guest.token, screen);
    await dan.page.getByLabel('Acting for').selectOption({ index: 1 });
    await dan.goTo('#/models');
    await dan.page.getByText(MODEL, { exact: true }).waitFor();
    const parts = dan.page.getByRole('navigation', { name: 'Parts of computing' });
    expect(await parts.getByRole('link').allTextContents()).toEqual(['Overview', 'Models']);
    for (const hash of ['#/chat', '#/spending', '#/transactions', '#/disputes', '#/selling']) {
      await dan.goTo(hash);
      await dan.page.getByText('This is for members of the whole tenant.').waitFor();
    }
    await dan.leaveWithoutComplaint();
  });

  test('somebody makes a tenant, takes all that is theirs with them, deletes their account, and keeps it after all', async () => {
    const eve = await createHousehold(server, world.adminToken);
    await topUp(world, eve.userId, 1_000);
    await buy(eve);
    const visitor = await visitAs(eve.token, screen);
    const { page } = visitor;
    await page.getByRole('combobox', { name: 'Language' }).selectOption('Deutsch');
    await visitor.goTo('#/account');
    await page.getByLabel('Name eines neuen Mandanten').fill('<b>Verein</b>');
    await page.getByRole('button', { name: 'Mandanten anlegen' }).click();
    await page.getByRole('button', { name: 'Für ihn handeln' }).waitFor();
    const button = page.getByRole('button', { name: 'Alles herunterladen' });
    const text = await readFile(await downloaded(page, () => button.click()), 'utf8');
    const exported = JSON.parse(text) as Record<string, unknown>;
    expect(exported).toMatchObject({
      user: { id: eve.userId },
      networks: [{ id: eve.network.id, groups: [] }],
      devices: [{ id: eve.device.deviceId, state: {}, readings: [] }],
      servedTransactions: [],
      isComplete: true,
    });
    expect(exported.transactions).not.toEqual([]);
    for (const hidden of [eve.token, eve.device.token, world.bob.userId, world.bob.network.id])
      expect(text).not.toContain(hidden);
    await visitor.requireUsable();

    await page.getByRole('checkbox', { name: 'Auf das Geld verzichten' }).check();
    await page.getByRole('button', { name: 'Mein Konto löschen' }).click();
    await page.getByRole('group').getByRole('button', { name: 'Mein Konto löschen' }).click();
    const undoToken = (await page.getByRole('region', { name: /Zugangstoken/ }).textContent()) ?? '';
    await visitor.requireUsable();
    await page.getByRole('button', { name: 'Ich habe sie aufbewahrt' }).click();
    await page.getByLabel('Zugangstoken', { exact: true }).fill(undoToken);
    await page.getByRole('button', { name: 'Anmelden', exact: true }).click();
    await page.getByText(/Ihr Konto wird am .* gelöscht/).waitFor();
    await visitor.requireUsable();
    await page.getByRole('button', { name: 'Mein Konto behalten' }).click();
    await page.getByRole('navigation', { name: 'Bereiche' }).waitFor();
    await visitor.leaveWithoutComplaint();
  });
});
