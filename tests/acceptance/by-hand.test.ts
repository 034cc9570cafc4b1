import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requireDebianPackage } from '../support/apt.ts';
import { launchChromium } from '../support/chromium.ts';
import { type MailWorld, startMailWorld } from '../support/mail-world.ts';

const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-by-hand-'));
let world: MailWorld;
beforeAll(async () => {
  await requireDebianPackage('jq', 'jq');
  await requireDebianPackage('curl', 'curl');
  world = await startMailWorld();
});
afterAll(async () => {
  await world.close();
  rmSync(directory, { recursive: true });
});

/** The commands of a part of a document, as they stand there. */
function commandsOf(document: string, heading: string): string {
  const part = readFileSync(document, 'utf8').split(`\n## ${heading}\n`)[1] ?? '';
  return /```sh\n([\s\S]*?)```/.exec(part)?.[1] ?? '';
}

const outputOf = (child: ChildProcessWithoutNullStreams) => {
  const read = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      read.text += data.toString();
    });
  }
  return read;
};

it('who follows the document signs in, invites, and revokes while a stream runs', async () => {
  const commands = commandsOf('docs/account.md', 'All of it by hand: sign in, invite, revoke');
  expect(commands).toContain('curl');
  const child = spawn('bash', ['-eo', 'pipefail', '-c', commands], {
    cwd: directory,
    env: {
      ...process.env,
      SERVER: world.server.httpUrl,
      JSON: 'content-type: application/json',
    },
  });
  const output = outputOf(child);
  const ended = once(child, 'close') as Promise<[number]>;
  for (const email of ['ann@example.org', 'ben@example.org']) {
    child.stdin.write(`${await world.nextCode(email)}\n`);
  }
  child.stdin.end();
  expect([await ended.then(([code]) => code), output.text]).toEqual([0, expect.any(String)]);
  expect(output.text).toMatch(/The stream was cut\.\s+(tenant|network)_not_found\s*$/);
});

it('a browser signs in and invites on the page, and what it follows ends when its sign-in is revoked', async () => {
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ locale: 'en' });
    await page.goto(world.server.httpUrl);
    const eve = await world.signUp('eve@example.org', 'Eve');
    await page.getByLabel('Mail address').fill(eve.email);
    await page.getByRole('button', { name: 'Send me a code' }).click();
    await page.getByLabel('Code from the mail').fill(await world.nextCode(eve.email));
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('link', { name: 'Account' }).click();
    await page.getByRole('button', { name: 'Invite somebody' }).click();
    await page.getByText(/ygi_[\w-]+/).waitFor();
    const network = await world.server.post<{ id: string }>('/api/v1/networks', { name: 'Eve' }, eve.token);
    const followed = page.evaluate(`(async () => {
      const answer = await fetch('/api/v1/networks/${network.id}/topology/live');
      const reader = answer.body.getReader();
      await reader.read();
      document.title = 'follows';
      try {
        while (!(await reader.read()).done);
      } catch {}
      return 'cut';
    })()`);
    await expect.poll(() => page.title(), { timeout: 30_000 }).toBe('follows');
    const { items } = await world.server.get<{ items: { id: string; inUse: boolean; name: string }[] }>(
      '/api/v1/users/me/tokens',
      eve.token,
    );
    const others = items.filter(({ inUse }) => !inUse);
    for (const { id } of others) await world.ask('DELETE', `users/me/tokens/${id}`, { token: eve.token });
    expect(await followed).toBe('cut');
    await page.reload();
    await page.getByLabel('Mail address').waitFor();
  } finally {
    await browser.close();
  }
});
