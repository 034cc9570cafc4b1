/** Programs of libFuzzer, by what they give to the device: a module, messages of MQTT, protobuf alone, an update. */
export const fuzzTargets = ['module', 'mqtt', 'protobuf', 'update'] as const;

export type FuzzTarget = (typeof fuzzTargets)[number];

/** Bits of a pointer: as the tests' machines have it, and as a device has it. */
export const fuzzBits = [64, 32] as const;

export type FuzzBits = (typeof fuzzBits)[number];
