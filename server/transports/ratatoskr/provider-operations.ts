import { COSTS, type Operation } from '../../kernel/operation.ts';

const providing = { access: 'market.provide', cost: COSTS.frame, audit: 'refusals' } as const;

/** What a provider does in its session. Only devices are providers. */
export const PROVIDER_OPERATIONS = {
  offer: {
    ...providing,
    cost: COSTS.write,
    audit: 'change',
    operation: 'providers.offer',
    summary: 'Offers models, their prices and slots.',
    errors: [
      'device_signature_wrong',
      'invalid_input',
      'payout_method_missing',
      'limit_reached',
      'provider_unregistered',
      'registration_refused',
      'registered_models_missing',
    ],
  },
  withdraw: {
    ...providing,
    cost: COSTS.write,
    audit: 'change',
    operation: 'providers.withdraw',
    summary: 'Takes the offer back.',
    errors: ['device_signature_wrong'],
  },
  credit: {
    ...providing,
    operation: 'providers.bodies.confirm',
    summary: 'So many bytes of the bodies of requests were taken in.',
    errors: ['invalid_input', 'ratatoskr_message_malformed'],
  },
  delta: {
    ...providing,
    operation: 'providers.deltas.send',
    summary: 'A piece of the answer to a request.',
    errors: ['provider_answer_malformed', 'ratatoskr_message_malformed', 'transaction_not_found'],
  },
  alive: {
    ...providing,
    operation: 'providers.signsOfLife.send',
    summary: 'A request is worked on, though there is nothing to send.',
    errors: ['provider_answer_malformed', 'ratatoskr_message_malformed', 'transaction_not_found'],
  },
  result: {
    ...providing,
    audit: 'money',
    operation: 'providers.results.send',
    summary: 'The end of the answer to a request, with the tokens it took.',
    errors: [
      'device_signature_wrong',
      'provider_answer_malformed',
      'ratatoskr_message_malformed',
      'transaction_not_found',
    ],
  },
} as const satisfies Record<string, Operation>;
