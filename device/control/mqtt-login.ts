import { readFileSync } from 'node:fs';
import { printDone } from '../node/print.ts';
import { restApi } from '../node/rest-api.ts';
import type { ServerOptions } from '../node/server-options.ts';

/** The options of `devices mqtt-login`. */
export interface MqttLoginOptions extends ServerOptions {
  readonly name?: string;
  readonly passwordFile?: string;
  readonly remove?: boolean;
  readonly json?: boolean;
}

interface SetLogin {
  readonly username: string;
  readonly password: string | null;
}

/**
 * Sets, removes or (with neither a name nor `remove`) shows the user name of a device for MQTT. A password that the server made is printed, once.
 * Throws an InvalidArgumentError without a token, a RefusedError where the server refuses.
 */
export async function changeMqttLogin(deviceId: string, options: MqttLoginOptions): Promise<void> {
  const api = restApi(options);
  const path = `/api/v1/devices/${deviceId}/mqtt-login`;
  if (options.remove === true) {
    printDone(options, await api.ask<object>('DELETE', path), 'removed');
  } else if (options.name === undefined) {
    const shown = await api.ask<{ login: { username: string } | null }>('GET', path);
    printDone(options, shown, shown.login?.username ?? 'none');
  } else {
    const { name, passwordFile } = options;
    const password =
      passwordFile === undefined ? {} : { password: readFileSync(passwordFile, 'utf8').trimEnd() };
    const set = await api.ask<SetLogin>('PUT', path, { name, ...password });
    printDone(options, set, [`user name ${set.username}`, ...madeLines(set)].join('\n'));
  }
}

const madeLines = ({ password }: SetLogin): string[] =>
  password === null ? [] : [`password  ${password}`, 'It is not shown again.'];
