import type { Visitor } from './page-visitor.ts';

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
