import { chmod, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StartError } from '../../../server/kernel/start-error.ts';
import { preparePlace } from '../../../server/platform/database/embedded/place.ts';
import { silentLogger } from '../../support/logger.ts';

let data: string;
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'yggdrasil-place-'));
});
afterEach(() => rm(data, { recursive: true, force: true }));

const prepare = () => preparePlace(data, null, { logger: silentLogger });

describe('the folder of the socket', () => {
  it('is made for its user only, and found again', async () => {
    const place = await prepare();
    expect((await stat(place.sockets)).mode & 0o7777).toBe(0o700);
    expect(await prepare()).toEqual(place);
  });

  it.each([0o2700, 0o1700])('with mode %o is used: nobody else gets in', async (mode) => {
    const place = await prepare();
    await chmod(place.sockets, mode);
    expect(await prepare()).toEqual(place);
  });

  it.each([0o755, 0o701, 0o2710])('with mode %o is refused', async (mode) => {
    const { sockets } = await prepare();
    await chmod(sockets, mode);
    const refusal = await prepare().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(StartError);
    expect(String(refusal)).toContain(`${sockets} must belong to the database's user, with mode 0700`);
  });
});
