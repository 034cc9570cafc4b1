import type { Bus, BusMessage, Subject } from '../../kernel/bus.ts';
import type { Logger } from '../../kernel/logger.ts';

/** A bus for one process. Messages arrive in a later turn of the event loop, so that a publisher never waits for them. */
export function createInProcessBus({ logger }: { readonly logger: Logger }): Bus {
  const receivers = new Map<Subject, Set<(message: BusMessage) => void>>();
  const deliver = (subject: Subject, message: BusMessage) => {
    for (const receive of [...(receivers.get(subject) ?? [])]) {
      try {
        receive(message);
      } catch (error) {
        logger.error({ operation: 'bus.receive', subject, error }, 'a message was not taken');
      }
    }
  };
  return {
    publish(subject, message) {
      if (receivers.has(subject)) setImmediate(deliver, subject, message);
    },
    subscribe(subject, receive) {
      const ofSubject = receivers.get(subject) ?? new Set();
      receivers.set(subject, ofSubject.add(receive));
      return () => {
        ofSubject.delete(receive);
        if (ofSubject.size === 0 && receivers.get(subject) === ofSubject) receivers.delete(subject);
      };
    },
  };
}
