import { z } from 'zod';
import { COSTS } from '../../../kernel/operation.ts';
import { shownToken } from '../../authenticate.ts';
import type { BrokerGate } from '../../frames/broker-gate.ts';
import { defineRoute } from '../define-route.ts';

/** MQTT 5 section 1.5.4: a string has at most as many bytes. */
const text = z.string().max(65_535);

/** What a broker says of a client in both questions, by the placeholders that EMQX has for it. */
const client = {
  username: text,
  clientid: text.optional(),
  peerhost: text.optional(),
};

const result = z.enum(['allow', 'deny']);

/** A broker of somebody else's asks whether a device is who it says: EMQX's HTTP authenticator. */
export const authenticateMqttClient = ({ brokerGate }: { brokerGate: BrokerGate }) =>
  defineRoute({
    operation: 'mqtt.clients.authenticate',
    method: 'POST',
    path: '/api/v1/mqtt/authenticate',
    access: 'public',
    cost: COSTS.write,
    audit: 'access',
    quiet: true,
    summary:
      'For a broker with the secret of the configuration as its bearer token: whether a client is the device that it says.',
    body: z.strictObject({ ...client, password: text }),
    response: z.object({
      result,
      is_superuser: z.literal(false),
      client_attrs: z
        .object({ network: z.string() })
        .optional()
        .describe('The network whose tree the device sees, for a mount point.'),
    }),
    status: 200,
    errors: ['unauthenticated'],
    async handle({ body, request }) {
      brokerGate.requireBroker(shownToken((name) => request.header(name)));
      const network = await brokerGate.authenticate(body);
      if (network === null) return { result: 'deny', is_superuser: false } as const;
      return { result: 'allow', is_superuser: false, client_attrs: { network } } as const;
    },
  });

/** It asks what a device may do: EMQX's HTTP authorizer. */
export const authorizeMqttClient = ({ brokerGate }: { brokerGate: BrokerGate }) =>
  defineRoute({
    operation: 'mqtt.clients.authorize',
    method: 'POST',
    path: '/api/v1/mqtt/authorize',
    access: 'public',
    cost: COSTS.write,
    audit: 'none',
    quiet: true,
    summary:
      'For a broker with the secret of the configuration as its bearer token: whether a device may publish to a topic, or subscribe to a filter.',
    body: z.strictObject({
      ...client,
      action: z.enum(['publish', 'subscribe']),
      topic: text,
      mountpoint: text.optional().describe('What the broker puts before the topic.'),
      qos: z.union([z.int().min(0).max(2), z.enum(['0', '1', '2'])]).optional(),
      retain: z.union([z.boolean(), z.enum(['true', 'false'])]).optional(),
    }),
    response: z.object({ result }),
    status: 200,
    errors: ['unauthenticated'],
    async handle({ body, request }) {
      brokerGate.requireBroker(shownToken((name) => request.header(name)));
      const { username, action, topic, mountpoint = '' } = body;
      const isAllowed = await brokerGate.authorize({ username, action, topic, mountpoint });
      return { result: isAllowed ? 'allow' : 'deny' } as const;
    },
  });
