import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { de } from '../../server/dashboard/messages/de.ts';
import { en } from '../../server/dashboard/messages/en.ts';
import type { Visitor } from './page-visitor.ts';

/** What the page speaks. */
export const LANGUAGES = { en, de } as const;
export type Language = keyof typeof LANGUAGES;

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

/**
 * Goes to every view that the areas and the links in them lead to, and calls `look` at each; which ones they were. Of views of several things,
 * the first is one for all of them.
 */
export async function walkViews(
  { page, goTo }: Visitor,
  language: Language,
  look: () => Promise<void>,
): Promise<readonly string[]> {
  const ahead = ['#/', ...(await areas()).map((area) => `#/${area}`)];
  const seen = new Set<string>();
  for (let hash = ahead.shift(); hash !== undefined; hash = ahead.shift()) {
    const view = viewOf(hash);
    if (seen.has(view)) continue;
    seen.add(view);
    await goTo(hash);
    await waitUntilLoaded(page, language);
    await look();
    const links = await page.evaluate(
      "[...document.querySelectorAll('a[href^=\"#/\"]')].map((link) => link.getAttribute('href'))",
    );
    ahead.push(...(links as string[]));
  }
  return [...seen];
}
