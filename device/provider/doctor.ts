import { systemClock } from '../client/index.ts';
import { readCredentialsFile } from '../node/credentials-file.ts';
import { withOutput } from '../node/output.ts';
import { EXIT_FAILURE } from '../node/process.ts';
import { findAccess, socketUrl } from '../node/server-access.ts';
import { diagnose, type Facts, type Finding, type RegistrationFacts, type WhyFacts } from './diagnosis.ts';
import { Endpoint } from './endpoint.ts';
import { RestApi } from './rest-api.ts';

/** The options of `provider doctor`. */
export interface DoctorOptions {
  readonly credentials: string;
  readonly server?: string;
  readonly endpoint: string;
  /** Of the device's owner. */
  readonly token?: string;
  readonly apiKey?: string;
  readonly json?: boolean;
}

/** Says how a provider stands and what to do. Sets the exit code 1 where something is wrong. */
export function examineProvider(options: DoctorOptions): Promise<void> {
  return withOutput(async (line) => {
    const findings = diagnose(await gatherFacts(options));
    if (options.json) line(JSON.stringify({ ok: !isWrong(findings), findings }));
    else for (const finding of findings) describe(finding, line);
    if (isWrong(findings)) process.exitCode = EXIT_FAILURE;
  });
}

function isWrong(findings: readonly Finding[]): boolean {
  return findings.some(({ ok }) => ok === false);
}

function describe({ check, ok, message, advice }: Finding, line: (text: string) => void): void {
  const mark = ok === null ? '?' : ok ? 'ok' : 'WRONG';
  line(`${mark.padEnd(6)}${check}: ${message}`);
  if (advice !== null) line(`      -> ${advice}`);
}

/** Looks at the endpoint and asks the server. The device's session is left alone: a second one would end it. */
async function gatherFacts(options: DoctorOptions): Promise<Facts> {
  const server = socketUrl(options.server, '/ratatoskr');
  const { token } = findAccess(options);
  const credentials = readCredentialsFile(options.credentials);
  const endpoint = new Endpoint(
    { baseUrl: options.endpoint, apiKey: options.apiKey ?? process.env.PROVIDER_API_KEY ?? null },
    { fetch, clock: systemClock },
  );
  const found = await endpoint.check(new AbortController().signal).catch((error: Error) => error);
  const device = await new RestApi(server, credentials.token, { fetch }).ask(
    'GET',
    'marketplace/providers?limit=1',
  );
  const owner = token === null ? null : new RestApi(server, token, { fetch });
  const path = `marketplace/providers/${credentials.deviceId}`;
  const provider = await owner?.ask('GET', path);
  const why = await owner?.ask('GET', `${path}/why`);
  return {
    endpoint: found ?? 'unknown',
    endpointAddress: endpoint.address,
    deviceStatus: device.status,
    ownerStatus: provider?.status ?? null,
    registration: registrationIn(provider?.body),
    why: why?.status === 200 ? (why.body as WhyFacts) : null,
  };
}

/** The registration in an answer of the server; null: there is none. */
export function registrationIn(body: unknown): RegistrationFacts | null {
  return (body as { registration?: RegistrationFacts } | null | undefined)?.registration ?? null;
}
