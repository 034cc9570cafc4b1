import { configure, util } from 'protobufjs/minimal.js';

// 64-bit fields are JavaScript numbers here, those that were left out included: the generated messages look at this when they
// are loaded, so that this module is imported before them. What doesn't fit 2^53 is refused by `decodePayload`.
util.Long = undefined as never;
configure();
