import { readFileSync } from 'node:fs';
import { loadServerCore, type ServerCore } from '../../assembly/host/node.ts';
import { checkoutFolder } from '../../device/node/checkout.ts';
import {
  BusinessRequest,
  BusinessResponse,
  ConnectionRequest,
  ConnectionResponse,
  encodePayload,
  RatatoskrRequest,
  RatatoskrResponse,
  RatatoskrType,
} from '../../proto/index.ts';
import { RatatoskrSession } from '../../proto/ratatoskr/index.ts';
import { nodeNoiseCrypto as crypto, withShortCipher } from '../../proto/ratatoskr/node.ts';
import { type BenchSuite, type Comparison, compare } from '../harness.ts';
import { compareAudited } from './audited.ts';
import { compareHalfOpen } from './half-open.ts';
import { compareServers } from './servers.ts';

/** Messages of one measured call. */
const MESSAGES = 64;
const INPUT = new TextEncoder().encode(
  JSON.stringify({ params: {}, query: { limit: 10 }, body: { name: 'x'.repeat(120) } }),
);
const BODY = new TextEncoder().encode(
  JSON.stringify({ items: Array.from({ length: 4 }, (_, id) => ({ id, name: 'Lamp' })) }),
);
const REQUEST = { operation: 'devices.list', input: INPUT };
const answerTo = (request: number) => ({ request, status: 200, contentType: 'application/json', body: BODY });

/** Messages and handshakes beside the same work without a session in one process, then servers beside each other. */
export const suite: BenchSuite = {
  name: 'ratatoskr',
  run: async (report, options) => {
    const core = loadServerCore(readFileSync(`${checkoutFolder()}build/core.wasm`));
    for (const prepare of [compareMessages, compareHandshakes]) {
      report(compare(prepare(core)));
      await new Promise(setImmediate);
    }
    await compareServers(report, options);
    await compareHalfOpen(report, options);
    await compareAudited(report, options);
  },
};

/** Both sides of a session, open. */
function openSession(core: ServerCore) {
  const dependencies = { crypto: withShortCipher(core.cipher), signer: core };
  const serverKey = crypto.generateKeyPair();
  const { session: client, first } = RatatoskrSession.begin(
    { staticKey: crypto.generateKeyPair(), serverKey: serverKey.publicKey },
    dependencies,
  );
  const server = RatatoskrSession.await({ staticKeys: [serverKey] }, dependencies);
  client.receive(server.receive(first).reply ?? new Uint8Array(0));
  server.receive(
    client.send(RatatoskrType.CONNECTION_REQUEST, encodePayload(ConnectionRequest, { token: 'x' })),
  );
  client.receive(server.send(RatatoskrType.CONNECTION_RESPONSE, encodePayload(ConnectionResponse, {})));
  return { client, server };
}

/** A request that is sent and read, and its answer, beside the same protobuf in plain envelopes. */
function compareMessages(core: ServerCore): Comparison {
  const { client, server } = openSession(core);
  const ours = () => {
    for (let i = 0; i < MESSAGES; i++) {
      const sent = client.send(RatatoskrType.BUSINESS_REQUEST, encodePayload(BusinessRequest, REQUEST));
      const { message } = server.receive(sent);
      const { sequence, payload } = message ?? { sequence: 0, payload: new Uint8Array(0) };
      BusinessRequest.decode(payload);
      const response = encodePayload(BusinessResponse, answerTo(sequence));
      const { message: answer } = client.receive(server.send(RatatoskrType.BUSINESS_RESPONSE, response));
      BusinessResponse.decode(answer?.payload ?? new Uint8Array(0));
    }
  };
  let sequence = 0;
  const reference = () => {
    for (let i = 0; i < MESSAGES; i++) {
      sequence++;
      const request = encodePayload(BusinessRequest, REQUEST);
      const type = RatatoskrType.BUSINESS_REQUEST;
      const sent = encodePayload(RatatoskrRequest, { type, sequence, payload: request });
      BusinessRequest.decode(RatatoskrRequest.decode(sent).payload);
      const response = encodePayload(BusinessResponse, answerTo(sequence));
      const back = { type: RatatoskrType.BUSINESS_RESPONSE, sequence, payload: response };
      BusinessResponse.decode(RatatoskrResponse.decode(encodePayload(RatatoskrResponse, back)).payload);
    }
  };
  return { name: 'ratatoskr-message', operations: MESSAGES, ours, reference };
}

/** A whole handshake by IK, both sides, beside the X25519 that it takes: two new keys and eight secrets. */
function compareHandshakes(core: ServerCore): Comparison {
  const staticKey = crypto.generateKeyPair();
  const serverKey = crypto.generateKeyPair();
  const dependencies = { crypto, signer: core };
  const ours = () => {
    const { session, first } = RatatoskrSession.begin(
      { staticKey, serverKey: serverKey.publicKey },
      dependencies,
    );
    const server = RatatoskrSession.await({ staticKeys: [serverKey] }, dependencies);
    session.receive(server.receive(first).reply ?? new Uint8Array(0));
  };
  const reference = () => {
    for (let side = 0; side < 2; side++) {
      const { publicKey } = crypto.generateKeyPair();
      for (let secret = 0; secret < 4; secret++) crypto.sharedSecret(staticKey.privateKey, publicKey);
    }
  };
  return { name: 'ratatoskr-handshake', operations: 1, ours, reference };
}
