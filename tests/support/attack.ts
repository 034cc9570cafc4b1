/** Something of a victim's that an attacker names. */
export interface Target {
  readonly tenantId: string;
  readonly networkId: string;
  readonly deviceId: string;
  readonly userId: string;
  /** A token of the user. */
  readonly tokenId: string;
  readonly invitationId: string;
  readonly transactionId: string;
  /** The dispute about it. */
  readonly disputeId: string;
  /** A connection between two devices of the tenant. */
  readonly connectionId: string;
  /** A group of the network. */
  readonly groupId: string;
  readonly lockId: string;
  /** The user's claim to it. */
  readonly claimId: string;
  /** What the device was asked to do. */
  readonly actionId: string;
  /** What several devices of the network were asked for as one. */
  readonly jointId: string;
  readonly releaseId: string;
  /** The key that signed it. */
  readonly releaseKeyId: string;
  readonly rolloutId: string;
  /** Positions in the victim's lists, by list. */
  readonly cursors: Readonly<Record<string, string>>;
  /** What the attacker has itself, to be joined with what isn't its own. */
  readonly own: { readonly networkId: string; readonly deviceId: string };
}

/** A request for what isn't the caller's. */
export interface Attack {
  readonly operation: string;
  /** `nothing`: the request names nothing of the victim's that could be told from what doesn't exist. */
  readonly names: 'target' | 'nothing';
  readonly request: (target: Target) => {
    readonly method: string;
    readonly path: string;
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  };
}

/** An id that nothing has. */
export const UNKNOWN_ID = '00000000-0000-4000-8000-00000000dead';

/** The same with ids that nothing has. */
export const UNKNOWN_TARGET = (target: Target): Target => ({
  ...target,
  tenantId: UNKNOWN_ID,
  networkId: UNKNOWN_ID,
  deviceId: UNKNOWN_ID,
  userId: UNKNOWN_ID,
  tokenId: UNKNOWN_ID,
  invitationId: UNKNOWN_ID,
  transactionId: UNKNOWN_ID,
  disputeId: UNKNOWN_ID,
  connectionId: UNKNOWN_ID,
  groupId: UNKNOWN_ID,
  lockId: UNKNOWN_ID,
  claimId: UNKNOWN_ID,
  actionId: UNKNOWN_ID,
  jointId: UNKNOWN_ID,
  releaseId: UNKNOWN_ID,
  releaseKeyId: UNKNOWN_ID,
  rolloutId: UNKNOWN_ID,
});

/** An attack that names what is the victim's. */
export const on = (
  operation: string,
  method: string,
  path: (target: Target) => string,
  body?: (target: Target) => unknown,
  headers?: Readonly<Record<string, string>>,
): Attack => ({
  operation,
  names: 'target',
  request: (target) => ({
    method,
    path: path(target).startsWith('/') ? path(target) : `/api/v1/${path(target)}`,
    ...(body === undefined ? {} : { body: body(target) }),
    ...(headers === undefined ? {} : { headers }),
  }),
});
/** One that names nothing of it. */
export const blind = (...attack: Parameters<typeof on>): Attack => ({ ...on(...attack), names: 'nothing' });

/** A list, and the same from a place in the victim's on. */
export const list = (operation: string, path: string): Attack[] => [
  blind(operation, 'GET', () => path),
  blind(operation, 'GET', ({ cursors }) => `${path}?limit=200&after=${cursors[path] ?? 'bm9uZQ'}`),
];
