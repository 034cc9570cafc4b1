import { expect, onTestFinished, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { SCREENS, signInWithToken, visit } from '../support/page-visitor.ts';
import { startTestServer } from '../support/server.ts';
import { createWorld } from '../support/world.ts';

test('a provider that waits is approved by an operator, with a reason, on both screens', async () => {
  const [browser, server] = await Promise.all([
    launchChromium(),
    startTestServer({ YGGDRASIL_MARKET_APPROVAL: 'hand' }),
  ]);
  onTestFinished(async () => {
    await browser.close();
    await server.stop();
  });
  const { adminToken, alice } = await createWorld(server);
  const model = `meta/${'m'.repeat(120)}`;
  const terms = { models: [{ name: model, prices: '25' }], slots: 1 };
  await server.post(
    '/api/v1/marketplace/providers/register',
    { ...terms, deviceId: alice.device.deviceId },
    alice.token,
  );
  const operator = await visit(browser, server.httpUrl, 'phone');
  const { page } = operator;
  await signInWithToken(operator, adminToken);
  await operator.goTo('#/administration/approvals');
  const waiting = page.getByRole('listitem').filter({ hasText: model });
  await waiting.getByText(`${model}: `).waitFor();
  await operator.requireUsable();
  await page.setViewportSize(SCREENS.desktop.viewport);
  await page.emulateMedia({ colorScheme: 'dark' });
  await operator.requireUsable();
  await waiting.getByLabel('Reason').fill('<i>known</i> مزود');
  await waiting.getByRole('button', { name: 'Decide' }).click();
  await waiting.waitFor({ state: 'detached' });
  await page.getByRole('combobox', { name: 'Status' }).selectOption('Approved');
  await waiting.getByText('<i>known</i> مزود').waitFor();
  expect(await waiting.count()).toBe(1);
  await operator.requireUsable();
  await operator.leaveWithoutComplaint();
});
