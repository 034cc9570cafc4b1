/** How long after its end a session can be resumed, in milliseconds. */
export const RESUMPTION_MS = 600_000;
/** Bytes of a ticket: nobody guesses one. */
export const TICKET_BYTES = 32;
/** Tickets of a tenant that are kept: some for each device of a large household. */
export const TICKETS_MAX = 256;
