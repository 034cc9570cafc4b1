import { describe, expect, it } from 'vitest';
import { fromBase64Url, toBase64Url } from '../../../device/client/base64.ts';
import {
  type BifrostClientOptions,
  createSealKey,
  encodeCommand,
  encodeCommandResult,
} from '../../../device/client/index.ts';
import { KNOWN_PEERS_MAX } from '../../../device/client/limits.ts';
import {
  Delivery,
  ErrorPayload,
  encodePayload,
  errorCodeNumber,
  FrameType,
  Routes,
  uuidToBytes,
} from '../../../proto/index.ts';
import { type KeyPair, Sealer } from '../../../proto/ratatoskr/index.ts';
import { nodeNoiseCrypto } from '../../../proto/ratatoskr/node.ts';
import { connected, credentials, OTHER_DEVICE, reading } from '../../support/bifrost-client.ts';
import { turn } from '../../support/clock.ts';

const sealKey = createSealKey();
const ownKey = nodeNoiseCrypto.publicKeyOf(fromBase64Url(sealKey) as Uint8Array);
const other = nodeNoiseCrypto.generateKeyPair();
const otherKey = toBase64Url(other.publicKey);
const answer = encodeCommandResult({ error: null, values: { open: true } });

type World = Awaited<ReturnType<typeof sealing>>;

/** A client that seals, and the server that it can't trust. */
const sealing = (options: Partial<BifrostClientOptions> = {}) =>
  connected({ credentials: { ...credentials, sealKey }, ...options });

/** The server answers what it was asked for last: whose key this is. */
function showKey({ server: { connection } }: World, key: Uint8Array) {
  const payload = encodePayload(Routes, { routes: [{ deviceId: uuidToBytes(OTHER_DEVICE), sealKey: key }] });
  connection.push(
    { type: FrameType.ROUTES, correlationId: connection.last(FrameType.ROUTE_QUERY).header.id },
    payload,
  );
}

/** Frames that were sealed for the client in the name of the other device, by who has this key. */
function sealedBy(own: KeyPair, correlationId: string | null = null) {
  const id = '00000000-0000-4000-8000-0000000000f1';
  const place = {
    networkId: credentials.networkId,
    sourceId: OTHER_DEVICE,
    destinationId: credentials.deviceId,
    frameId: id,
    delivery: Delivery.TRANSIENT,
    correlationId,
  };
  const sealer = new Sealer({ own, receiverKey: ownKey, place }, nodeNoiseCrypto);
  const header = { type: FrameType.SEALED, id, sourceId: OTHER_DEVICE, destinationId: credentials.deviceId };
  return (type: FrameType, payload: Uint8Array) =>
    [{ ...header, correlationId }, sealer.seal({ type, name: '', payload }, place)] as const;
}

describe('a client whose server lies', () => {
  it('takes the answer to a command that it sealed from who could open it, and from nobody in clear', async () => {
    const world = await sealing({ knownPeers: { [OTHER_DEVICE]: otherKey } });
    const { connection } = world.server;
    let isSettled = false;
    const result = world.client.command(OTHER_DEVICE, 'door.state').finally(() => {
      isSettled = true;
    });
    // A device that had a key has one, whatever the server says.
    showKey(world, new Uint8Array(0));
    await turn();
    const { id } = connection.last(FrameType.SEALED).header;
    const from = { sourceId: OTHER_DEVICE, destinationId: credentials.deviceId, correlationId: id };
    connection.push({ type: FrameType.COMMAND_RESULT, ...from }, answer);
    const refusal = { code: errorCodeNumber('command_unknown'), message: 'no' };
    connection.push({ type: FrameType.ERROR, ...from }, encodePayload(ErrorPayload, refusal));
    await turn();
    expect(isSettled).toBe(false);
    connection.push(...sealedBy(other, id)(FrameType.COMMAND_RESULT, answer));
    expect((await result).values).toEqual({ open: true });
  });

  it('takes no command in clear where all has to be sealed, also none that goes to everybody', async () => {
    const { client, server } = await sealing({ sealing: 'required' });
    const heard: string[] = [];
    client.on('command', ({ name }) => heard.push(name));
    client.on('event', ({ name }) => heard.push(name));
    const payload = encodeCommand({ name: 'door.open', arguments: {} });
    server.connection.push({ type: FrameType.COMMAND, sourceId: OTHER_DEVICE }, payload);
    server.connection.push({ type: FrameType.EVENT, sourceId: OTHER_DEVICE }, reading(1));
    expect(heard).toEqual(['sensor.temperature']);
  });

  it.each([
    ['has another length', new Uint8Array(5)],
    ['agrees on nothing with anybody', new Uint8Array(32)],
  ])('keeps no key that %s', async (_what, key) => {
    const world = await sealing();
    const result = world.client.command(OTHER_DEVICE, 'door.state').catch(({ code }) => code);
    showKey(world, key);
    expect(await result).toBe('seal_key_unknown');
    expect(world.client.peers.known).toEqual({});
    expect(world.server.connection.all(FrameType.COMMAND)).toEqual([]);
  });

  it('keeps the keys that it has where the server makes up devices without end', async () => {
    const id = (index: number) => `0192f0c1-2345-7678-9abc-${index.toString(16).padStart(12, '0')}`;
    const knownPeers = Object.fromEntries(
      Array.from({ length: KNOWN_PEERS_MAX }, (_, index) => [id(index), otherKey]),
    );
    const shown: string[] = [];
    const world = await sealing({ knownPeers });
    world.client.on('peerKey', ({ status }) => shown.push(status));
    const result = world.client.command(OTHER_DEVICE, 'door.state').catch(({ code }) => code);
    showKey(world, other.publicKey);
    expect(await result).toBe('peer_key_changed');
    expect(shown).toEqual(['refused']);
    expect(world.client.peers.known).toEqual(knownPeers);
  });
});
