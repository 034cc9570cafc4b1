import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder, writeWhole } from '../../server/platform/files/durable.ts';
import type { RestClient } from './rest-client.ts';

const userSchema = z.object({ userId: z.string(), token: z.string() });
const credentialsSchema = z.object({
  deviceId: z.string(),
  networkId: z.string(),
  token: z.string(),
  signingKey: z.string(),
});
const accountsSchema = z.object({
  administrator: userSchema.optional(),
  household: userSchema.optional(),
  householdNetworkId: z.string().optional(),
  sensor: credentialsSchema.optional(),
  browser: credentialsSchema.optional(),
  seller: userSchema.optional(),
  sellerNetworkId: z.string().optional(),
  provider: credentialsSchema.optional(),
});

const createdUserSchema = z
  .object({ user: z.object({ id: z.string() }), token: z.string() })
  .transform(({ user, token }) => ({ userId: user.id, token }));
const createdNetworkSchema = z.object({ id: z.string() }).transform(({ id }) => id);
const createdDeviceSchema = z
  .object({ credentials: credentialsSchema })
  .transform(({ credentials }) => credentials);

type KeptAccounts = z.infer<typeof accountsSchema>;

/** Everybody and everything that the story needs, with their credentials. */
export type Accounts = { readonly [Name in keyof KeptAccounts]-?: NonNullable<KeptAccounts[Name]> };

/**
 * Creates the accounts of the story where they don't exist yet, and keeps their credentials in `demo.json` in the data
 * directory after each, readable for its owner only: a second run goes on with them. `setUpCode` is the one the server
 * printed, null if it printed none. Throws an Error when the server was set up by somebody else.
 */
export async function openAccounts(
  rest: RestClient,
  dataDirectory: string,
  setUpCode: string | null,
): Promise<Accounts> {
  const file = join(dataDirectory, 'demo.json');
  let kept = readKept(file);
  // A code means that nobody is there yet: what was kept belongs to an earlier database.
  if (setUpCode !== null) kept = {};
  if (setUpCode === null && kept.administrator === undefined) {
    throw new Error(
      `${dataDirectory} was set up without the demo, which therefore has no administrator there. ` +
        'Give it a directory of its own, or leave YGGDRASIL_DATA_DIR out.',
    );
  }
  const keep = <Name extends keyof KeptAccounts>(name: Name, value: Accounts[Name]): Accounts[Name] => {
    kept = { ...kept, [name]: value };
    writeWhole(file, JSON.stringify(kept, null, 2), { mode: 0o600 });
    return value;
  };

  const administrator =
    kept.administrator ??
    keep(
      'administrator',
      await rest.request('POST', '/api/v1/setup', createdUserSchema, {
        body: { code: setUpCode, name: 'Administrator' },
      }),
    );
  const user = (name: string) =>
    rest.request('POST', '/api/v1/users', createdUserSchema, { token: administrator.token, body: { name } });
  const network = (token: string, name: string) =>
    rest.request('POST', '/api/v1/networks', createdNetworkSchema, { token, body: { name } });
  const device = (token: string, networkId: string, name: string, worldType: string) =>
    rest.request('POST', '/api/v1/devices', createdDeviceSchema, {
      token,
      body: { name, networkId, worldType },
    });

  const household = kept.household ?? keep('household', await user('Household'));
  const householdNetworkId =
    kept.householdNetworkId ?? keep('householdNetworkId', await network(household.token, 'Home'));
  const sensor =
    kept.sensor ??
    keep('sensor', await device(household.token, householdNetworkId, 'Living room', 'jotunheim'));
  const browser =
    kept.browser ?? keep('browser', await device(household.token, householdNetworkId, 'Browser', 'alfheim'));
  const seller = kept.seller ?? keep('seller', await user('Seller of computing time'));
  const sellerNetworkId =
    kept.sellerNetworkId ?? keep('sellerNetworkId', await network(seller.token, 'Workshop'));
  const provider =
    kept.provider ?? keep('provider', await device(seller.token, sellerNetworkId, 'Workstation', 'midgard'));
  return { administrator, household, householdNetworkId, sensor, browser, seller, sellerNetworkId, provider };
}

/** Writes the credentials of a device where its program, and a user with mosquitto, can read them. The file's name. */
export function writeCredentials(
  dataDirectory: string,
  name: string,
  credentials: z.infer<typeof credentialsSchema>,
): string {
  const directory = join(dataDirectory, 'demo');
  makeFolder(directory, 0o700);
  const file = join(directory, `${name}.json`);
  writeWhole(file, JSON.stringify(credentials, null, 2), { mode: 0o600 });
  return file;
}

function readKept(file: string): KeptAccounts {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  try {
    return accountsSchema.parse(JSON.parse(text));
  } catch {
    throw new Error(`${file} is damaged: remove the data directory, or give the demo another one`);
  }
}
