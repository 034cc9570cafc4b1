import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let origin: string;
let browser: Browser;

beforeAll(async () => {
  server = await startTestServer();
  origin = server.httpUrl;
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

test('the page shows the operations, works, and asks no other server', async () => {
  const page = await browser.newPage();
  const requested: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requested.push(request.url()));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`${origin}/docs`);

  await page.locator('#operations-tag-users').click();
  await page.locator('.opblock-summary', { hasText: '/api/v1/setup' }).click();
  await page.locator('.opblock-description-wrapper').first().waitFor();
  expect(await page.locator('.title').first().textContent()).toContain('Yggdrasil');

  await page.getByRole('button', { name: 'Try it out' }).click();
  await page
    .locator('textarea')
    .first()
    .fill(JSON.stringify({ code: server.setupCode, name: 'Heimdall' }));
  await page.getByRole('button', { name: 'Execute' }).click();
  await page.locator('.live-responses-table', { hasText: '"operator": true' }).waitFor();

  const foreign = requested.filter((url) => !url.startsWith(`${origin}/`) && !url.startsWith('data:'));
  expect(foreign).toEqual([]);
  expect(complaints).toEqual([]);
});

test('the page’s parts come from this server only, each with its type and policy', async () => {
  for (const [path, type] of [
    ['/docs', 'text/html'],
    ['/docs/swagger-ui.css', 'text/css'],
    ['/docs/swagger-ui-bundle.js', 'text/javascript'],
    ['/docs/start.js', 'text/javascript'],
    ['/openapi.json', 'application/json'],
  ]) {
    const response = await fetch(`${origin}${path}`);
    expect([path, response.status]).toEqual([path, 200]);
    expect(response.headers.get('content-type')).toContain(type);
    await response.arrayBuffer();
  }
  const page = await fetch(`${origin}/docs`);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
  for (const path of ['/docs/..%2fpackage.json', '/docs/index.html', '/docs/__proto__']) {
    expect((await fetch(`${origin}${path}`)).status).toBe(404);
  }
});

test('what it shows has every operation that HTTP reaches', async () => {
  const { rest, openai, anthropic } = server.catalogue;
  const { paths } = (await (await fetch(`${origin}/openapi.json`)).json()) as {
    paths: Record<string, object>;
  };
  const count = Object.values(paths).flatMap(Object.keys).length;
  expect(count).toBe(rest.length + openai.length + anthropic.length);
});
