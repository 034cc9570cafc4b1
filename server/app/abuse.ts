import type { Config } from '../config/index.ts';
import {
  type AlertOutlets,
  COUNTED_MAX,
  createAbuseService,
  createMeasureStore,
  RECIPIENTS_MAX,
  refusalOf,
  type Subject,
  THROTTLED_PER_MINUTE,
} from '../domains/abuse/index.ts';
import { listOperatorAddresses } from '../domains/accounts/index.ts';
import { PLATFORM } from '../domains/audit/index.ts';
import { startAbuseJobs } from '../jobs/abuse-jobs.ts';
import type { RepeatedJob } from '../jobs/repeat.ts';
import { type AccountId, asId, type CredentialId, type DeviceId, type TenantId } from '../kernel/ids.ts';
import { createClientLimiter } from '../platform/client-limiter/index.ts';
import type { Part } from './lifecycle.ts';
import type { Messaging } from './messaging.ts';
import type { Platform } from './platform.ts';

/** What looks like abuse, and what is done about it. */
export type Abuse = ReturnType<typeof buildAbuse>;

const MINUTE_MS = 60_000;

/** Builds the area. */
export function buildAbuse(config: Config, platform: Platform, { connections }: Messaging) {
  const { database, clock, random, logger } = platform;
  const counted = { countMax: THROTTLED_PER_MINUTE, intervalMs: MINUTE_MS, clientsMax: COUNTED_MAX };
  return createAbuseService(
    { answers: config.abuseMeasures === 'on' },
    {
      store: createMeasureStore(database),
      live: {
        end(subject, measure) {
          const filter = filterOf(subject);
          if (filter !== null) connections.end(filter, refusalOf(measure, clock.nowMs()));
        },
      },
      throttle: createClientLimiter(counted, { clock }),
      outlets: alertOutlets(config, platform),
      clock,
      random,
      logger,
    },
  );
}

/** What a principal has open; null: nothing was let in for an address. */
function filterOf({ kind, id }: Subject) {
  switch (kind) {
    case 'account':
      return { accountId: asId<AccountId>(id) };
    case 'api_key':
      return { credentialId: asId<CredentialId>(id) };
    case 'device':
      return { deviceId: asId<DeviceId>(id) };
    case 'tenant':
      return { tenantId: asId<TenantId>(id) };
    case 'address':
      return null;
  }
}

function alertOutlets(config: Config, platform: Platform): AlertOutlets {
  const { metrics, audit, clock, logger } = platform;
  const offences = metrics.counter({
    name: 'yggdrasil_abuse_offences_total',
    help: 'What was counted as a sign of abuse.',
    labels: ['kind'],
  });
  const measures = metrics.counter({
    name: 'yggdrasil_abuse_measures_total',
    help: 'Alerts of abuse, by what was done about it.',
    labels: ['kind', 'measure'],
  });
  return {
    counted: (kind) => offences.add({ kind }),
    measured: (kind, measure) => measures.add({ kind, measure: measure ?? 'none' }),
    // Ids alone: an address is a person's. The log has it, and forgets it.
    record({ subject, measure }) {
      const record = {
        tenantId: PLATFORM,
        atMs: clock.nowMs(),
        principal: 'service:abuse',
        operation:
          measure === null
            ? 'abuse.alert'
            : `abuse.${measure.measure === 'cut_off' ? 'cutOff' : measure.measure}`,
        class: 'access' as const,
        outcome: 'done',
        objects: [
          ...(measure === null ? [] : [measure.id]),
          ...(subject.kind === 'address' ? [] : [subject.id]),
        ],
        reason: null,
        leftOut: 0,
      };
      void audit.recorder.note(record).catch((error: unknown) => {
        logger.error({ operation: 'abuse.alert', error }, 'a record is lost');
      });
    },
    mail: mailTo(config, platform),
  };
}

/** To the configured address, else to those of the operators; null where there is no mail server. */
function mailTo({ smtpUrl, alertTo }: Config, { mailer, database, logger }: Platform): AlertOutlets['mail'] {
  if (mailer === null || smtpUrl === undefined) return null;
  return (subject, text) => {
    const recipients =
      alertTo === undefined ? listOperatorAddresses(database, RECIPIENTS_MAX) : Promise.resolve([alertTo]);
    void recipients
      .then((addresses) => {
        for (const to of addresses) mailer.send({ to, subject, text });
      })
      .catch((error: unknown) => logger.error({ operation: 'abuse.alert', error }, 'an alert is not mailed'));
  };
}

/** What is done is known before anybody is let in. */
export function abusePart(abuse: Abuse, { clock, logger }: Platform): Part {
  let jobs: RepeatedJob | null = null;
  return {
    name: 'abuse',
    async start() {
      await abuse.load();
      jobs = startAbuseJobs({ abuse, clock, logger });
    },
    async stop() {
      await jobs?.stop();
      await abuse.stop();
    },
  };
}
