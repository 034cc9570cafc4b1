import { z } from 'zod';
import {
  type DeviceService,
  LOGIN_PASSWORD_LENGTH_MAX,
  LOGIN_PASSWORD_LENGTH_MIN,
} from '../../../domains/devices/index.ts';
import { asId, type DeviceId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { timeSchema, toIsoTime } from '../schemas.ts';
import { deviceParamsSchema } from './schemas.ts';

const path = '/api/v1/devices/:deviceId/mqtt-login';

const usernameSchema = z.string().describe('What the device shows as its user name, in place of its id.');

/** A login that was just set. */
export const mqttLoginSchema = z.object({
  username: usernameSchema,
  password: z.string().nullable().describe('The one that was made, shown this once; null: yours.'),
  changedAt: timeSchema,
});

/** The user name by which a device signs in over MQTT. */
export const getMqttLogin = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'devices.mqttLogin.get',
    method: 'GET',
    path,
    access: 'devices.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'The user name by which a device signs in over MQTT with a password, if it has one.',
    params: deviceParamsSchema,
    response: z.object({
      login: z
        .object({ username: usernameSchema, changedAt: timeSchema.describe('When its password was set.') })
        .nullable()
        .describe('Null: the device has none, and signs in with its id and token.'),
    }),
    status: 200,
    errors: ['device_not_found'],
    handle: async ({ actor, params }) => {
      const login = await devices.findLogin(actor, asId<DeviceId>(params.deviceId));
      return {
        login: login && { username: login.name, changedAt: toIsoTime(login.changedAtMs) },
      };
    },
  });

/** Gives a device a user name and a password for MQTT. */
export const setMqttLogin = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'devices.mqttLogin.set',
    method: 'PUT',
    path,
    access: 'devices.manage',
    cost: COSTS.write,
    audit: 'change',
    needsProof: true,
    summary:
      'Gives a device a short user name and a password for MQTT, beside its id and token. The password before stops working, and what was opened ' +
      'with it ends.',
    params: deviceParamsSchema,
    body: z.strictObject({
      name: z
        .string()
        .regex(/^[a-z0-9][a-z0-9-]{0,14}$/)
        .describe(
          'The beginning of the user name; the server adds six letters. The same one keeps the user name.',
        ),
      password: z
        .string()
        .min(LOGIN_PASSWORD_LENGTH_MIN)
        .max(LOGIN_PASSWORD_LENGTH_MAX)
        .regex(/^[\x21-\x7e]+$/)
        .optional()
        .describe('Printable ASCII without spaces. Left out, the server makes one of 16 characters.'),
    }),
    response: mqttLoginSchema,
    status: 200,
    errors: ['device_not_found', 'device_of_other_tenant', 'unavailable'],
    handle: async ({ actor, params, body }) => {
      const { name, password, changedAtMs } = await devices.setLogin(actor, asId<DeviceId>(params.deviceId), {
        word: body.name,
        password: body.password ?? null,
      });
      return { username: name, password, changedAt: toIsoTime(changedAtMs) };
    },
  });

/** Removes them. */
export const removeMqttLogin = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'devices.mqttLogin.remove',
    method: 'DELETE',
    path,
    access: 'devices.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: "Removes a device's user name and password for MQTT; what was opened with them ends.",
    params: deviceParamsSchema,
    response: z.object({ removed: z.literal(true) }),
    status: 200,
    errors: ['device_not_found', 'device_of_other_tenant'],
    handle: async ({ actor, params }) => {
      await devices.removeLogin(actor, asId<DeviceId>(params.deviceId));
      return { removed: true as const };
    },
  });
