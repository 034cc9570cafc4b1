/** Commands of one tenant whose results may be waited for at a time. */
export const TENANT_WAITING_MAX = 200;
/** Commands that are kept of what a tenant has sent to one device: as much as somebody reads. */
export const LOGGED_PER_DEVICE_MAX = 50;
/** Arguments of a command that are kept with it, */
export const LOGGED_ARGUMENTS_MAX = 16;
/** and characters of one that is a text: the log shows what was asked, it isn't a store. */
export const LOGGED_CHARACTERS_MAX = 128;
/** Answers that may wait to be noted; more are lost to the log. */
export const SETTLING_MAX = 1_000;
/** and of one device: one that sends answers nobody asked for takes nobody else's places. */
export const DEVICE_SETTLING_MAX = 32;
