import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { SCREENS, signInWithToken, visit } from '../support/page-visitor.ts';
import { LANGUAGES, type Language, walkViews } from '../support/page-walk.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Serving, serve } from '../support/serving.ts';
import { createWorld, type World } from '../support/world.ts';

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

/** Walks through the page, and looks at each view in every way; which ones they were. */
async function walk(token: string, language: Language): Promise<readonly string[]> {
  const visitor = await visit(browser, server.httpUrl, 'desktop');
  const { page } = visitor;
  await signInWithToken(visitor, token);
  await page.evaluate(`localStorage.setItem('yggdrasil-language', '${language}')`);
  await page.reload();
  const seen = await walkViews(visitor, language, async () => {
    expect(await page.evaluate('document.documentElement.lang')).toBe(language);
    for (const look of LOOKS) {
      await page.setViewportSize(look.viewport);
      await page.emulateMedia({ colorScheme: look.colorScheme });
      await visitor.requireUsable();
    }
  });
  await visitor.leaveWithoutComplaint();
  return seen;
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
