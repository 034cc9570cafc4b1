import type { DisputeMail } from './ports.ts';
import type { DisputeEnd, DisputeSide, StoredDispute } from './types.ts';

/** Tells the other side by mail what happens in a dispute, without saying who anybody is. Nobody waits for it. */
export interface DisputeNotices {
  opened(dispute: StoredDispute): void;
  said(dispute: StoredDispute, side: DisputeSide): void;
  ended(dispute: StoredDispute, end: DisputeEnd): void;
}

/** Builds them. `mail` null: there is no mail server, and nobody is told. */
export function createDisputeNotices(mail: DisputeMail | null): DisputeNotices {
  const tellOwners = ({ shares }: StoredDispute, subject: string, text: string) => {
    for (const tenantId of new Set(shares.map((share) => share.tenantId)))
      mail?.toOwners(tenantId, subject, text);
  };
  const tellRequester = ({ requester }: StoredDispute, subject: string, text: string) =>
    mail?.toAccount(requester.accountId, subject, text);
  return {
    opened(dispute) {
      const untilText = new Date(dispute.decidedByRuleAtMs).toISOString();
      tellOwners(
        dispute,
        'A request that you served is disputed',
        `${aboutText(dispute)}\n\nWhat was earned by it waits. Say what you have to say until ${untilText}, or agree: ` +
          `who doesn't answer gives back what was earned.`,
      );
    },
    said(dispute, side) {
      const subject = 'Something was said in a dispute of yours';
      if (side === 'requester') tellOwners(dispute, subject, aboutText(dispute));
      else tellRequester(dispute, subject, aboutText(dispute));
    },
    ended(dispute, { rule, reason, refundedMicrocents }) {
      const subject = 'A dispute of yours is decided';
      const outcome = refundedMicrocents === 0n ? 'Nothing goes back.' : 'Something goes back to who paid.';
      const text = `${aboutText(dispute)}\n\n${outcome} The rule: ${rule}. The reason: ${reason}`;
      tellOwners(dispute, subject, text);
      tellRequester(dispute, subject, text);
    },
  };
}

const aboutText = ({ id, model, transactionId, reason }: StoredDispute): string =>
  `The dispute ${id} is about the request ${transactionId} of the model ${model} (${reason}).\n` +
  `"yggdrasil dispute show ${id}" shows it.`;
