import { sign } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { provisionDevice } from '../../device/provision/main.ts';
import { provisioningBytes } from '../../proto/provisioning.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { issueCertificate, makeCertificate } from '../support/certificates.ts';
import { type Answer, startTestServer, type TestServer } from '../support/server.ts';
import { createWorld, type World } from '../support/world.ts';

let server: TestServer;
let world: World;
beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();

const codeOf = ({ status, body }: Answer) =>
  `${status} ${(body as { error?: { code: string } }).error?.code ?? ''}`;

describe('a fleet with certificates', () => {
  const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-fleet-'));
  afterAll(() => rm(folder, { recursive: true }));
  const pem = (file: string) => readFileSync(file, 'utf8');

  const makeFleet = async (
    authority: string,
    token = world.alice.token,
    networkId = world.alice.network.id,
  ) => {
    const body = { name: 'Certified', networkId, devicesMax: 20, expiresAt: inHours(1), authority };
    return server.request('POST', '/api/v1/bootstrap-keys', { token, body });
  };

  it('lets in who has a certificate of its authority, by a command, with keys of each kind', async () => {
    const authority = await makeCertificate(folder, 'authority');
    const made = await makeFleet(pem(authority.certificateFile));
    expect(made.body).toMatchObject({
      secret: null,
      key: { authority: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    const { id: keyId } = (made.body as { key: { id: string } }).key;
    for (const key of ['ec', 'ed25519', 'rsa'] as const) {
      const deviceId = `SN-${key}`;
      const files = issueCertificate(folder, authority, deviceId, { key });
      const credentials = join(folder, `${deviceId}.json`);
      const shown = {
        certificate: files.certificateFile,
        privateKey: files.keyFile,
        authority: authority.certificateFile,
        keyId,
      };
      await provisionDevice({
        deviceId,
        credentials,
        worldType: 'jotunheim',
        server: server.httpUrl,
        ...shown,
      });
      const socket = await BifrostSocket.open(server, JSON.parse(await readFile(credentials, 'utf8')));
      socket.close();
    }
  });

  it('lets nobody in whose certificate, name, time or signature is another one', async () => {
    const authority = await makeCertificate(folder, 'right');
    const imposter = await makeCertificate(folder, 'imposter');
    const made = await makeFleet(`Certificate:\n    Data: ...\n${pem(authority.certificateFile)}`);
    const { id: keyId } = (made.body as { key: { id: string } }).key;
    const device = { deviceId: 'SN-70', secret: 's'.repeat(40), worldType: 'jotunheim' };
    const right = issueCertificate(folder, authority, 'SN-70');
    const other = issueCertificate(folder, authority, 'SN-71');
    const forged = issueCertificate(folder, imposter, 'SN-72');
    const ended = issueCertificate(folder, authority, 'SN-73', { days: -1 });
    const forServers = issueCertificate(folder, authority, 'SN-74', { purpose: 'serverAuth' });
    const ask = async (
      files: { certificateFile: string; keyFile: string },
      changes: {
        issuer?: string;
        keyId?: string;
        signedAt?: string;
        deviceId?: string;
        signerFile?: string;
      } = {},
    ) => {
      const said = {
        ...device,
        deviceId: changes.deviceId ?? device.deviceId,
        keyId: changes.keyId ?? keyId,
        sessionKey: null,
        signedAt: changes.signedAt ?? new Date(Date.now()).toISOString(),
      };
      const signer = pem(changes.signerFile ?? files.keyFile);
      const certificate = {
        keyId: said.keyId,
        certificate: pem(files.certificateFile),
        authority: pem(changes.issuer ?? authority.certificateFile),
        signedAt: said.signedAt,
        signature: sign('sha256', provisioningBytes(said), signer).toString('base64'),
      };
      const body = { ...device, deviceId: said.deviceId, certificate };
      return codeOf(await server.request('POST', '/api/v1/device-provisioning', { body }));
    };
    const wrong = [
      await ask(other),
      await ask(forged, { deviceId: 'SN-72' }),
      await ask(forged, { deviceId: 'SN-72', issuer: imposter.certificateFile }),
      await ask(ended, { deviceId: 'SN-73' }),
      await ask(forServers, { deviceId: 'SN-74' }),
      await ask(right, { signerFile: other.keyFile }),
      await ask(right, { signedAt: new Date(Date.now() - 600_000).toISOString() }),
      await ask(right, { keyId: '00000000-0000-4000-8000-00000000dead' }),
      await ask(authority, { deviceId: 'right' }),
    ];
    expect(wrong).toEqual(Array(wrong.length).fill('403 bootstrap_key_wrong'));
    expect(await ask(right)).toBe('201 ');
    // Another tenant that names the same authority lets nobody into this one's network, and learns nothing.
    const bobs = await makeFleet(pem(authority.certificateFile), world.bob.token, world.bob.network.id);
    expect(bobs.status).toBe(201);
    await server.request('DELETE', `/api/v1/bootstrap-keys/${keyId}`, {
      token: world.alice.token,
      expect: 200,
    });
    expect(await ask(other, { deviceId: 'SN-71' })).toBe('403 bootstrap_key_wrong');
  });

  it('lets nobody in again who was unregistered, by its key or by another one of its authority', async () => {
    const authority = await makeCertificate(folder, 'stays');
    const files = issueCertificate(folder, authority, 'SN-80');
    const keys: string[] = [];
    for (let count = 0; count < 2; count++) {
      const { key } = (await makeFleet(pem(authority.certificateFile))).body as { key: { id: string } };
      keys.push(key.id);
    }
    const ask = (keyId = '', secret = 's'.repeat(40)) => {
      const device = { deviceId: 'SN-80', secret, worldType: 'jotunheim' };
      const signedAt = new Date(Date.now()).toISOString();
      const bytes = provisioningBytes({ ...device, keyId, sessionKey: null, signedAt });
      const certificate = {
        ...{ keyId, signedAt, signature: sign('sha256', bytes, pem(files.keyFile)).toString('base64') },
        ...{ certificate: pem(files.certificateFile), authority: pem(authority.certificateFile) },
      };
      return server.request('POST', '/api/v1/device-provisioning', { body: { ...device, certificate } });
    };
    const { deviceId } = (await ask(keys[0])).body as { deviceId: string };
    const { token } = world.alice;
    await server.request('DELETE', `/api/v1/devices/${deviceId}`, { token, expect: 200 });
    for (const again of [ask(keys[0]), ask(keys[0], 'n'.repeat(40)), ask(keys[1], 'n'.repeat(40))])
      expect(codeOf(await again)).toBe('409 device_id_taken');
  });

  it('is made with nothing but the certificate of an authority', async () => {
    const authority = await makeCertificate(folder, 'issuer');
    const device = issueCertificate(folder, authority, 'no-authority');
    for (const text of [
      pem(device.certificateFile),
      '-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----',
    ])
      expect(codeOf(await makeFleet(text))).toBe('400 invalid_input');
  });
});
