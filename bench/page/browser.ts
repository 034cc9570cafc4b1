import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core';
import { findProgram } from '../processes/processes.ts';
import type { Product } from '../processes/product.ts';

const VIEWPORT = { width: 1280, height: 800 };
/** Where a bare page is laid, on the server's own origin so that it may ask what the page asks. */
const BARE_PATH = '/bare';

/** A page of somebody who is signed in, in a browser without a window. */
export interface SignedIn {
  readonly page: Page;
  readonly devtools: CDPSession;
  readonly origin: string;
  close(): Promise<void>;
}

/** Starts Debian's browser. Throws where it isn't installed. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = findProgram('chromium');
  if (executablePath === null) throw new Error("the suite needs Debian's package chromium");
  const { chromium } = await import('playwright-core');
  const args = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    // A bare page that is laid in place of ours may ask a bare server at another port.
    '--disable-features=LocalNetworkAccessChecks',
  ];
  return chromium.launch({ executablePath, args });
}

/** Signs in with the token of the account that owns everything. */
export async function signIn(browser: Browser, product: Product): Promise<SignedIn> {
  const origin = `http://127.0.0.1:${product.port}`;
  const context: BrowserContext = await browser.newContext({ viewport: VIEWPORT, locale: 'en-GB' });
  const page = await context.newPage();
  await page.goto(`${origin}/`);
  const field = page.getByLabel('Access token');
  const choose = page.getByRole('button', { name: 'Use an access token' });
  await choose.or(field).first().waitFor();
  if (await choose.isVisible()) await choose.click();
  await field.fill(product.token);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('navigation', { name: 'Areas' }).waitFor();
  const devtools = await context.newCDPSession(page);
  return { page, devtools, origin, close: () => context.close() };
}

/** Opens a page of this HTML in place of ours, with the same sign-in. */
export async function openBare({ page, origin }: SignedIn, html: string): Promise<void> {
  await page.unroute(`${origin}${BARE_PATH}`);
  await page.route(`${origin}${BARE_PATH}`, (route) =>
    route.fulfill({ contentType: 'text/html', body: html }),
  );
  await page.goto(`${origin}${BARE_PATH}`);
}

/** Opens our page, at a place: `#/devices`. */
export async function openOurs({ page, origin }: SignedIn, hash: string): Promise<void> {
  // Another address first: of the same one only the part behind `#` would change.
  await page.goto('about:blank');
  await page.goto(`${origin}/${hash}`);
}

/** Memory of the page's objects after a collection, in megabytes. */
export async function usedMegabytes({ devtools }: SignedIn): Promise<number> {
  await devtools.send('HeapProfiler.collectGarbage');
  await devtools.send('HeapProfiler.collectGarbage');
  const { usedSize } = await devtools.send('Runtime.getHeapUsage');
  return usedSize / 1e6;
}
