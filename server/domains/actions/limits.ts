/** Actions of a tenant that wait or run at a time. */
export const TENANT_OPEN_MAX = 1_000;
/** Of these, of one account or device that asked: who may ask one device can't take the places of everybody. */
export const ASKER_OPEN_MAX = 250;
/** Of these, of one device in one network: its queue and what it has been given. */
export const DEVICE_OPEN_MAX = 100;
/** Actions that a device has been given and not ended: it keeps few, and the order of the rest is still to be changed. */
export const DEVICE_RUNNING_MAX = 4;

/** Actions that have ended and are kept, of a tenant: older ones go first, */
export const TENANT_ENDED_MAX = 2_000;
/** and all of them after this time. */
export const ENDED_KEPT_MS = 7 * 86_400_000;
/** Actions removed in one transaction. */
export const REMOVED_TOGETHER_MAX = 500;

/** How long an action may take until its end, at most and when nobody says. */
export const TIMEOUT_MS_MAX = 86_400_000;
export const TIMEOUT_MS = 60_000;

export const PRIORITY_MAX = 9;
export const PRIORITY = 5;

export const NAME_CHARACTERS_MAX = 128;
/** Arguments of an action, and what they are as JSON. */
export const ARGUMENTS_MAX = 64;
export const ARGUMENTS_CHARACTERS_MAX = 16_384;

/** One part of a result, */
export const CHUNK_BYTES_MAX = 16_384;
/** all parts together, */
export const RESULT_BYTES_MAX = 262_144;
/** and the values at the end, as JSON. */
export const VALUES_CHARACTERS_MAX = 65_536;
/** Events of an action that are kept; further steps of progress only replace the last one. */
export const EVENTS_MAX = 1_000;
/** Texts of a device: of its progress, and of what went wrong. */
export const TEXT_CHARACTERS_MAX = 500;

/** Devices one after another that an action was asked for in the course of. */
export const CHAIN_MAX = 8;

/** Reports that are written in one transaction. */
export const REPORTS_TOGETHER_MAX = 100;
/** Devices that come at the same time whose queues are looked up together. */
export const QUEUES_TOGETHER_MAX = 500;
/** Events that a reader is given at a time. */
export const EVENTS_PAGE = 100;

/** Who reads the events of actions at the same time: one account or device, a tenant, all. */
export const READERS_PER_PRINCIPAL_MAX = 64;
export const READERS_PER_TENANT_MAX = 256;
export const READERS_MAX = 2_000;
/** How often an asking device may have kept events sent, of whatever actions: a small frame asks for much. */
export const RESUMES_MAX = 128;
/** in each such time. */
export const RESUMES_INTERVAL_MS = 60_000;

/** Actions whose time is over that are ended in one transaction. */
export const EXPIRED_TOGETHER_MAX = 200;
/** How long nobody looks for actions whose time is over, when none is known, in milliseconds. */
export const LOOK_INTERVAL_MS = 60_000;
/** When what could not be given to a connected device is tried again, in milliseconds. */
export const GIVE_RETRY_MS = 1_000;
/** Between two lines of the log about what could not be given, however much it is, in milliseconds. */
export const GIVE_LOG_INTERVAL_MS = 1_000;

/** Devices that are asked as one: no more than the server takes of one who asks, with room for others. */
export const JOINT_DEVICES_MAX = 100;
/** Actions of several devices that aren't decided, of a tenant, */
export const JOINT_OPEN_MAX = 100;
/** and those that are, and are kept. */
export const JOINT_KEPT_MAX = 1_000;
