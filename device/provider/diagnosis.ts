/** What a provider's owner finds out about it; null: it couldn't be found out. */
export interface Facts {
  /** The endpoint's models; `unknown`: it doesn't list them; an Error: nothing answers, or it doesn't let us in. */
  readonly endpoint: readonly string[] | 'unknown' | Error;
  readonly endpointAddress: string;
  /** The status of an answer to the device's token; 0: nothing answers. */
  readonly deviceStatus: number;
  /** The same of the owner's token, asked about the provider; null: there is none. */
  readonly ownerStatus: number | null;
  readonly registration: RegistrationFacts | null;
  readonly why: WhyFacts | null;
}

/** Of `GET /api/v1/marketplace/providers/<device>`, what is looked at. */
export interface RegistrationFacts {
  readonly origin: 'owner' | 'device';
  readonly isActive: boolean;
  readonly state: 'waiting' | 'approved' | 'refused';
  readonly isConnected: boolean;
  readonly withheld: string | null;
  readonly nextChangeAt: string | null;
  readonly models: readonly { readonly name: string }[];
  readonly decisions: readonly { readonly outcome: string; readonly reason: string }[];
}

/** Of `GET /api/v1/marketplace/providers/<device>/why`, what is looked at. */
export interface WhyFacts {
  readonly pausedForMs: number | null;
  readonly models: readonly {
    readonly name: string;
    readonly reasons: readonly string[];
    readonly priceCents: number;
    readonly medianPriceCents: number | null;
  }[];
}

/** One thing that was looked at. `ok` null: it couldn't be found out. */
export interface Finding {
  readonly check: string;
  readonly ok: boolean | null;
  readonly message: string;
  /** What to do about it; null: nothing. */
  readonly advice: string | null;
}

/** What is found of a provider, in the order in which one would mend it. */
export function diagnose(facts: Facts): Finding[] {
  return [
    endpointFinding(facts),
    ...deviceFindings(facts),
    ...registrationFindings(facts),
    ...(facts.why === null ? [] : marketFindings(facts.why)),
  ];
}

const good = (check: string, message: string): Finding => ({ check, ok: true, message, advice: null });
const bad = (check: string, message: string, advice: string): Finding => ({
  check,
  ok: false,
  message,
  advice,
});
const unknown = (check: string, message: string, advice: string | null): Finding => ({
  check,
  ok: null,
  message,
  advice,
});

function endpointFinding({ endpoint, endpointAddress, registration }: Facts): Finding {
  if (endpoint instanceof Error) {
    return bad(
      'endpoint',
      `${endpointAddress}: ${endpoint.message}`,
      'Start the endpoint (Ollama, llama.cpp, vLLM), or mend --endpoint and its key.',
    );
  }
  if (endpoint === 'unknown')
    return unknown('endpoint', `${endpointAddress} answers, and does not say which models it has.`, null);
  if (endpoint.length === 0)
    return bad('endpoint', `${endpointAddress} has no model.`, 'Load one, e.g. with "ollama pull".');
  const missing = (registration?.models ?? [])
    .map(({ name }) => name)
    .filter((name) => !endpoint.includes(name));
  if (missing.length > 0 && missing.length === registration?.models.length) {
    return bad(
      'endpoint',
      `${endpointAddress} has ${endpoint.join(', ')}, and nothing of what is registered (${missing.join(', ')}).`,
      'Load a model that is registered, or register one that is there.',
    );
  }
  return good('endpoint', `${endpointAddress} has ${endpoint.join(', ')}.`);
}

function deviceFindings({ deviceStatus }: Facts): Finding[] {
  if (deviceStatus === 0) {
    return [
      bad(
        'server',
        'Nothing answers at the address of --server.',
        'Mend --server, or look whether the server runs.',
      ),
    ];
  }
  const server = good('server', 'The server answers.');
  if (deviceStatus === 401) {
    const advice = 'Make new ones: POST /api/v1/devices/<id>/token.';
    return [server, bad('sign-in', 'The server does not know the credentials of the device.', advice)];
  }
  if (deviceStatus >= 400)
    return [
      server,
      bad('sign-in', `The server answers the device with ${deviceStatus}.`, 'Ask whoever runs the server.'),
    ];
  return [server, good('sign-in', 'The credentials of the device are good.')];
}

function registrationFindings({ ownerStatus, registration }: Facts): Finding[] {
  if (ownerStatus === null) {
    const advice = 'Give --token, or YGGDRASIL_TOKEN, of the owner to see the rest.';
    return [unknown('registration', 'Only its owner can see how the provider stands.', advice)];
  }
  if (ownerStatus === 401)
    return [bad('owner', 'The server does not know the token of the owner.', 'Sign in again for a new one.')];
  if (ownerStatus === 403) {
    const advice = 'Give the token of an account that may sell in the tenant of the device.';
    return [bad('owner', 'The token of the owner is not allowed to see the provider.', advice)];
  }
  if (ownerStatus >= 400 && ownerStatus !== 404) {
    const message = `The server answers the owner with ${ownerStatus}.`;
    return [unknown('registration', message, 'Try again later, or ask whoever runs the server.')];
  }
  if (registration === null) {
    const advice = 'Run "yggdrasil provider connect", with the token of the owner of the device.';
    return [bad('registration', 'The device is not registered as a provider of yours.', advice)];
  }
  const { state, decisions, isActive, isConnected, withheld } = registration;
  const reason = decisions[0]?.reason ?? '';
  const findings: Finding[] = [];
  if (state === 'refused')
    findings.push(
      bad('registration', `An operator refused it: ${reason}`, 'Change it, and it is looked at again.'),
    );
  else if (state === 'waiting')
    findings.push(bad('registration', `It waits: ${reason}`, 'Wait, or ask whoever runs the server.'));
  else findings.push(good('registration', 'It is registered and approved.'));
  if (!isActive)
    findings.push(bad('paused', 'You paused it.', 'POST /api/v1/marketplace/providers/<device>/resume.'));
  if (!isConnected)
    findings.push(bad('program', 'Its program is not connected.', 'Run "yggdrasil provider connect".'));
  if (withheld !== null) findings.push(...withheldFindings(withheld, registration));
  if (withheld === null) findings.push(good('market', 'It is on the market.'));
  return findings;
}

/** What is said elsewhere already has no finding of its own. */
function withheldFindings(withheld: string, { nextChangeAt }: RegistrationFacts): Finding[] {
  switch (withheld) {
    case 'payout_method_missing':
      return [
        bad(
          'payout',
          'You have no verified way to be paid.',
          'An operator confirms one: PUT /api/v1/admin/payment-standing/<user>.',
        ),
      ];
    case 'outside_hours':
      return [
        unknown('hours', `It is closed by its hours, until ${nextChangeAt ?? 'they are changed'}.`, null),
      ];
    case 'models_not_announced':
      return [
        bad(
          'models',
          'Its program announces none of the models that are registered.',
          'Register a model of the endpoint, or load one that is registered.',
        ),
      ];
    case 'quality_below_own_limit':
    case 'wait_beyond_own_limit':
      return [
        bad(
          'own limits',
          'It does worse than you said that it may while it sells.',
          'Lower qualityMin, or raise waitSecondsMax; within ten minutes it is tried again.',
        ),
      ];
    case 'limit_reached':
      return [bad('limits', 'Your tenant lists as much as it may.', 'Take something else off the market.')];
    default:
      return [];
  }
}

/** What keeps work from a provider, and what its owner can do about it; null: nothing, and nothing is wrong. */
const ADVICE: Readonly<Record<string, readonly [string, string | null]>> = {
  paused: [
    'is put aside after failures',
    'Look at what its program says; one request decides when the pause is over.',
  ],
  identity_doubted: [
    'is put aside for a day: checks found that it answers otherwise than this model does elsewhere',
    'See that the endpoint serves this model, in the quantization that others serve.',
  ],
  price_guard: ['is so dear that nobody is sent to it', 'Lower the price.'],
  dearer_than_most: ['is dearer than most', 'Lower the price for more work.'],
  unreliable: ['fails too often', 'Look at what its program says about failures.'],
  slower_than_most: ['is slower than most', 'Offer fewer slots, or a smaller model.'],
  low_quality: ['gives answers that break the protocol', 'Bring the endpoint up to date.'],
  fewer_slots_than_said: [
    'serves fewer at a time than it says',
    'Say fewer slots, or give it time to show them.',
  ],
  answers_padded: ['pads its answers, which is not paid', 'Look at what the endpoint answers.'],
  claims_too_many_tokens: ['claims more tokens than are counted', 'Bring the endpoint up to date.'],
  endpoint_full: ['is left alone: its endpoint had no room, and said when it has again', null],
  all_slots_in_use: ['has all slots in use', null],
  no_demand: ['is not asked for by anybody now', null],
};

/** The reasons of the server that something is said of. */
export const ADVISED_REASONS = Object.keys(ADVICE);

function marketFindings({ pausedForMs, models }: WhyFacts): Finding[] {
  const findings: Finding[] = [];
  if (pausedForMs !== null) {
    const message = `It is put aside for another ${Math.ceil(pausedForMs / 1_000)} s.`;
    findings.push(bad('pause', message, 'Look at what its program says about failures.'));
  }
  for (const { name, reasons, priceCents, medianPriceCents } of models) {
    const market =
      medianPriceCents === null ? 'nobody else asks a price' : `the median is ${medianPriceCents}`;
    findings.push(good('price', `${name}: ${priceCents} cents per 1000 tokens; ${market}.`));
    for (const reason of reasons) {
      if (reason === 'paused') continue;
      const [message, advice] = ADVICE[reason] ?? [reason, null];
      findings.push({
        check: 'work',
        ok: advice === null ? null : false,
        message: `${name} ${message}.`,
        advice,
      });
    }
  }
  return findings;
}
