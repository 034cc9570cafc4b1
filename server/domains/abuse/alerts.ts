import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import { ALERTS_PER_MINUTE, MAIL_INTERVAL_MS, MAILED_MAX } from './limits.ts';
import type { AlertOutlets } from './ports.ts';
import type { AbuseAlert } from './types.ts';

/** Tells the operator: in the log, by metrics, in the audit and by mail, each so often that nobody can drown it. */
export interface Alerts {
  raise(alert: AbuseAlert): void;
  /** Forgets what waits to be mailed. */
  stop(): void;
}

const MINUTE_MS = 60_000;

/** Builds it. */
export function createAlerts(dependencies: {
  readonly outlets: AlertOutlets;
  readonly clock: Clock;
  readonly logger: Logger;
}): Alerts {
  const { outlets, clock, logger } = dependencies;
  const mail = createMailing(outlets, clock);
  let minute = { beganMs: Number.NEGATIVE_INFINITY, count: 0 };

  /** False: the minute has its lines, and the last of them said so. */
  const hasRoom = () => {
    const nowMs = clock.monotonicMs();
    if (nowMs - minute.beganMs >= MINUTE_MS) minute = { beganMs: nowMs, count: 0 };
    minute.count++;
    if (minute.count !== ALERTS_PER_MINUTE + 1) return minute.count <= ALERTS_PER_MINUTE;
    logger.warn({ operation: 'abuse.alert' }, 'further abuse in this minute has no line: see the metrics');
    return false;
  };

  return {
    raise(alert) {
      const { kind, subject, measure, count } = alert;
      outlets.measured(kind, measure?.measure ?? null);
      mail.add(alert);
      if (!hasRoom()) return;
      outlets.record(alert);
      logger.warn(
        {
          operation: 'abuse.alert',
          abuse: kind,
          subject: subject.kind,
          ...(subject.kind === 'address' ? { remoteAddress: subject.id } : { subjectId: subject.id }),
          count: Math.floor(count),
          measure: measure?.measure ?? 'none',
        },
        'something looks like abuse',
      );
    },
    stop: () => mail.stop(),
  };
}

/** The first alert is mailed at once, those of the time after it together. */
function createMailing({ mail }: AlertOutlets, clock: Clock) {
  let waiting: AbuseAlert[] = [];
  let leftOut = 0;
  let cancel: (() => void) | null = null;

  const send = (alerts: readonly AbuseAlert[], more: number) => {
    const lines = alerts.map(lineOf);
    if (more > 0) lines.push(`and ${more} more`);
    mail?.('Something looks like abuse', `${lines.join('\n')}\n\n${HOW_TO_UNDO}\n`);
  };
  const intervalOver = () => {
    cancel = null;
    if (waiting.length === 0) return;
    send(waiting, leftOut);
    [waiting, leftOut] = [[], 0];
    cancel = clock.after(MAIL_INTERVAL_MS, intervalOver);
  };
  return {
    add(alert: AbuseAlert): void {
      if (mail === null) return;
      if (cancel === null) {
        send([alert], 0);
        cancel = clock.after(MAIL_INTERVAL_MS, intervalOver);
      } else if (waiting.length < MAILED_MAX) waiting.push(alert);
      else leftOut++;
    },
    stop(): void {
      cancel?.();
      [cancel, waiting, leftOut] = [null, [], 0];
    },
  };
}

const HOW_TO_UNDO =
  'What is done about it: GET /api/v1/admin/abuse. To undo it: DELETE /api/v1/admin/abuse/<id>, or "yggdrasil abuse lift <id>" while the server is stopped.';

function lineOf({ subject, kind, count, measure }: AbuseAlert): string {
  const done =
    measure === null
      ? 'nothing was done'
      : `${measure.measure} until ${new Date(measure.endsAtMs).toISOString()} (${measure.id})`;
  return `${subject.kind} ${subject.id}: ${kind}, ${Math.floor(count)} counted: ${done}`;
}
