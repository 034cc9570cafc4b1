import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { de } from '../../server/dashboard/messages/de.ts';
import { en } from '../../server/dashboard/messages/en.ts';
import { launchChromium } from '../support/chromium.ts';
import { SCREENS, signInWithToken, visit } from '../support/page-visitor.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Serving, serve } from '../support/serving.ts';
import { createWorld, type World } from '../support/world.ts';

const LANGUAGES = { en, de } as const;
type Language = keyof typeof LANGUAGES;

/** Every size in both colours. */
const LOOKS = Object.values(SCREENS).flatMap(({ viewport }) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ viewport, colorScheme })),
);

let browser: Browser;
let server: TestServer;
let world: World;
let serving: Serving;

beforeAll(async () => {
  [browser, server] = await Promise.all([launchChromium(), startTestServer()]);
  world = await createWorld(server);
  serving = await serve(server, world.bob.device, 'meta/llama');
});
afterAll(async () => {
  await serving?.stop();
  await browser?.close();
  await server?.stop();
});

/** The areas of the page, from the page's own source, so that a new one is walked through, too. */
async function areas(): Promise<string[]> {
  const source = await readFile(new URL('../../server/dashboard/app.svelte', import.meta.url), 'utf8');
  const named = [...source.matchAll(/area === '([a-z-]+)'/g)].map(([, area]) => area ?? '');
  const market = [...(/MARKET[^=]*= \[([^\]]*)\]/.exec(source)?.[1] ?? '').matchAll(/'([a-z-]+)'/g)];
  return [...new Set([...named, ...market.map(([, area]) => area ?? '')])].filter((area) => area !== 'setup');
}

/** The view that a link leads to: the same one for every device, network and model. */
function viewOf(hash: string): string {
  return hash
    .replace(/\?.*$/, '')
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, ':id')
    .replace(/^#\/models\/.+/, '#/models/:id');
}

/** Waits until nothing of the view is still being loaded. */
async function waitUntilLoaded(page: Page, language: Language): Promise<void> {
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await expect
    .poll(() => page.getByText(LANGUAGES[language]['common.loading'], { exact: true }).count())
    .toBe(0);
}

/** Goes to every view that the areas and the links in them lead to, and looks at each; which ones they were. */
async function walk(token: string, language: Language): Promise<string[]> {
  const visitor = await visit(browser, server.httpUrl, 'desktop');
  const { page } = visitor;
  await signInWithToken(visitor, token);
  await page.evaluate(`localStorage.setItem('yggdrasil-language', '${language}')`);
  await page.reload();
  const ahead = ['#/', ...(await areas()).map((area) => `#/${area}`)];
  const seen = new Set<string>();
  for (let hash = ahead.shift(); hash !== undefined; hash = ahead.shift()) {
    const view = viewOf(hash);
    if (seen.has(view)) continue;
    seen.add(view);
    await visitor.goTo(hash);
    await waitUntilLoaded(page, language);
    expect(await page.evaluate('document.documentElement.lang')).toBe(language);
    for (const look of LOOKS) {
      await page.setViewportSize(look.viewport);
      await page.emulateMedia({ colorScheme: look.colorScheme });
      await visitor.requireUsable();
    }
    const links = await page.evaluate(
      "[...document.querySelectorAll('a[href^=\"#/\"]')].map((link) => link.getAttribute('href'))",
    );
    ahead.push(...(links as string[]));
  }
  await visitor.leaveWithoutComplaint();
  return [...seen];
}

describe.each(Object.keys(LANGUAGES) as Language[])('in the language %s', (language) => {
  test('an owner can use every view on each size, light and dark', async () => {
    const seen = await walk(world.bob.token, language);
    expect(seen).toEqual(
      expect.arrayContaining(['#/devices/:id', '#/networks/:id/map', '#/models/:id', '#/selling']),
    );
  }, 300_000);

  test('an operator can use every view on each size, light and dark', async () => {
    const seen = await walk(world.adminToken, language);
    expect(seen).toEqual(expect.arrayContaining(['#/administration/logs', '#/administration/audit']));
  }, 300_000);
});
