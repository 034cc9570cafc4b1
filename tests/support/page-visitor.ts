import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';

/** Screens that the page is tried on, dark and light. */
export const SCREENS = {
  desktop: { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: 'light' },
} as const;
export type Screen = keyof typeof SCREENS;

/** Longer than a busy machine needs to show something. */
const SHOWN_TIMEOUT_MS = 30_000;

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Somebody with a browser of their own, who notes what goes wrong in it. */
export interface Visitor {
  readonly page: Page;
  /** Goes to a place of the page: `#/devices`. */
  goTo(hash: string): Promise<void>;
  /** Fails where what is seen now has a fault that shuts people out (axe: serious, critical), or doesn't fit the screen. */
  requireUsable(): Promise<void>;
  /** Fails where the page was refused something by its policy, asked another host, or had an error. Closes the browser. */
  leaveWithoutComplaint(): Promise<void>;
}

/** Opens a browser without a history, at no page yet. */
export async function visit(
  browser: Browser,
  origin: string,
  screen: Screen,
  locale = 'en-GB',
): Promise<Visitor> {
  const context = await browser.newContext({ ...SCREENS[screen], locale });
  context.setDefaultTimeout(SHOWN_TIMEOUT_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  await page.exposeFunction('complain', (text: string) => complaints.push(text));
  await page.addInitScript(
    "addEventListener('securitypolicyviolation', (event) => complain('policy: ' + event.violatedDirective + ' ' + event.blockedURI))",
  );
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`)) complaints.push(`asks ${request.url()}`);
  });
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    dialog.dismiss().catch(() => {});
  });
  return {
    page,
    async goTo(hash) {
      await page.goto(`${origin}/${hash}`);
    },
    async requireUsable() {
      if (!(await page.evaluate("'axe' in window"))) await page.evaluate(axe);
      const found = (await page.evaluate(
        "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 200)).join(' ')))",
      )) as string[];
      expect(found, page.url()).toEqual([]);
      const wider = await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      expect(wider, `wider than the screen at ${page.url()}`).toBe(0);
    },
    async leaveWithoutComplaint() {
      await context.close();
      expect(complaints).toEqual([]);
    },
  };
}

/** Signs in with a token, as somebody without a mail address does. */
export async function signInWithToken({ page, goTo }: Visitor, token: string): Promise<void> {
  await goTo('#/');
  await page
    .getByRole('button', { name: 'Use an access token' })
    .or(page.getByLabel('Access token'))
    .first()
    .waitFor();
  const choose = page.getByRole('button', { name: 'Use an access token' });
  if (await choose.isVisible()) await choose.click();
  await page.getByLabel('Access token').fill(token);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('navigation', { name: 'Areas' }).waitFor();
}
