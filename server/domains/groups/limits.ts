/** Groups of a network. */
export const NETWORK_GROUPS_MAX = 100;
/** Devices of a group: one frame is signed for each of them. */
export const GROUP_MEMBERS_MAX = 10_000;
/** Members of all groups of a network: some megabytes of memory. */
export const NETWORK_MEMBERS_MAX = 20_000;
/** Devices that are added by one request. */
export const ADDED_TOGETHER_MAX = 1_000;
/** Networks whose groups are read together when devices connect at the same time. */
export const NETWORKS_READ_MAX = 500;
