import type { AccountActor, Actor, Role } from '../kernel/actor.ts';
import { asId } from '../kernel/ids.ts';
import type { Operation } from '../kernel/operation.ts';
import { may, PERMISSIONS, type Permission } from '../kernel/permission.ts';
import type { HttpOperation } from '../transports/pipeline/http-operation.ts';
import type { Catalogue } from './operations.ts';

const NOBODY = '00000000-0000-0000-0000-000000000000';
const anywhere = {
  tenantId: asId<Actor['tenantId']>(NOBODY),
  credentialId: asId<AccountActor['credentialId']>(NOBODY),
};

const account = (role: Role, changes: Partial<AccountActor> = {}): AccountActor => ({
  ...anywhere,
  kind: 'account',
  accountId: asId<AccountActor['accountId']>(NOBODY),
  role,
  networkIds: null,
  operator: false,
  ...changes,
});

/** The columns of the page: principals as the rules see them. */
const COLUMNS: readonly (readonly [title: string, actor: Actor])[] = [
  ['owner', account('owner')],
  ['administrator', account('administrator')],
  ['member', account('member')],
  ['member for single networks', account('member', { networkIds: [] })],
  ['guest', account('guest', { networkIds: [] })],
  ['operator', account('guest', { operator: true, networkIds: [] })],
  ['device', { ...anywhere, kind: 'device', deviceId: asId<never>(NOBODY) }],
  [
    'API key of an owner',
    account('owner', {
      scope: { operations: ['*'], models: null, deviceIds: null, spendMicrocentsMax: null },
    }),
  ],
];

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

/** The page that says who may do what: `may` asked for each kind of principal and each permission. */
export function renderRolesPage({ rest, openai, devices }: Catalogue): string {
  const titles = COLUMNS.map(([title]) => title);
  const permissions = PERMISSIONS.map((permission) =>
    row([`\`${permission}\``, ...COLUMNS.map(([, actor]) => (may(actor, permission) ? 'yes' : ''))]),
  );
  const http = [...rest, ...openai];
  const sections = [...PERMISSIONS, 'public' as const].map((access) => sectionOf(access, http, devices));
  return `# Who may do what

Made from the table in \`server/kernel/permission.ts\` and the catalogue of operations: \`npm run record:roles\` writes it, a test
compares it. In which networks somebody may do it, and who may give which role, the services decide beside it: see
\`server/domains/tenants/README.md\`. An operator runs the platform, and has in a tenant what its role there gives. An API key
may what its account may, of it what its scope names, and never what takes a person.

${row(['permission', ...titles])}
|${'---|'.repeat(titles.length + 1)}
${permissions.join('\n')}

## What takes which permission

${sections.join('\n')}`;
}

function sectionOf(
  access: Permission | 'public',
  http: readonly HttpOperation[],
  devices: readonly Operation[],
): string {
  const lines = [
    ...http
      .filter((operation) => operation.access === access)
      .map(({ operation, method, path }) => `- \`${operation}\`: ${method} \`${path}\``),
    ...devices
      .filter((operation) => operation.access === access)
      .map(({ operation, summary }) => `- \`${operation}\`: ${summary}`),
  ];
  const title = access === 'public' ? 'Nothing: everybody may' : `\`${access}\``;
  return `### ${title}\n\n${lines.length === 0 ? 'No operation yet.' : lines.join('\n')}\n`;
}
