// Where everything is in linear memory. All buffers are static; nothing is allocated after the start.
//
//   16    I/O buffer: hash state, digest, tag, values. The same offsets in both modules
//   272   SHA-256 message schedule
//   528   SHA-256 constants and the table that `describe` reads (data segments, placed by the compiler: `memoryBase`)
//   896   device: keys, then the message        core: four-lane scratch; message, keys and batches above 4 KiB
//
// What code names most often lies lowest, because small addresses are fewer bytes of code.
// A device's tables have one of two profiles: small ones for a device that speaks for itself (device.wasm), larger ones for a
// gateway that speaks for others, too (device-gateway.wasm). asconfig.json says how much memory each has.

/** Raised whenever an offset, an operation or a meaning changes; where its buffers are, a module says itself. */
export const ABI_VERSION: u32 = 2;

/** Bytes of linear memory that the module has on a device, whole pages of 256: `lowMemoryLimit` in asconfig.json. */
export const DEVICE_MEMORY_BYTES: i32 = ASC_LOW_MEMORY_LIMIT;

// A host that keeps several hashes going saves and restores the first 112 bytes.
export const IO: usize = 16;
/** Hash state: eight words, 32 bytes. */
export const STATE: usize = IO;
/** Bytes hashed so far, u64. */
export const BYTE_COUNT: usize = IO + 32;
/** The block being filled, 64 bytes and 8 spare ones, because copies go eight bytes at a time. */
export const BLOCK: usize = IO + 40;
/** Result of the last hash or signature, 32 bytes. */
export const DIGEST: usize = IO + 112;
/** The tag to verify, 32 bytes. */
export const TAG: usize = IO + 144;
/** Arguments and results of pricing and quality, ten values of 8 bytes. */
export const VALUES: usize = IO + 176;

/** The message schedule, 256 bytes. Behind the I/O buffer, so that all that a hash leaves behind is wiped at once. */
export const SCHEDULE: usize = IO + 256;
export const SCHEDULE_BYTES: usize = 256;

export const DIGEST_BYTES: usize = 32;
export const BLOCK_BYTES: usize = 64;
/** A key's two midstates, the inner one first. */
export const KEY_BYTES: usize = 64;
export const SAMPLE_BYTES: usize = 32;

// Only the build for speed, core.wasm, has SIMD and room.
export const IS_CORE: bool = ASC_FEATURE_SIMD;
const IS_GATEWAY: bool = ASC_LOW_MEMORY_LIMIT >= 4096;

export const KEYS: usize = IS_CORE ? 0x1_0000 : 896;
export const KEY_SLOTS: u32 = IS_CORE ? 4096 : IS_GATEWAY ? 16 : 4;

export const MESSAGE: usize = IS_CORE ? 0x1000 : KEYS + (KEY_SLOTS as usize) * 64;
/** Bytes of a message in one call; a longer one is streamed. Behind it 8 spare bytes are never used. */
export const MESSAGE_BYTES_MAX: u32 = IS_CORE ? 0xefc0 : IS_GATEWAY ? 2048 : 512;
/** Samples lie where the message lies. */
export const SAMPLES_MAX: u32 = MESSAGE_BYTES_MAX / 32;

// Candidates: seven arrays of f32, each CANDIDATES_MAX long: price, latency, utilization, quality, availability, fairness,
// and the scores.
export const CANDIDATES: usize = IS_CORE ? 0x5_0000 : MESSAGE;
export const CANDIDATES_MAX: u32 = IS_CORE ? 12288 : IS_GATEWAY ? 64 : 16;

// Signature batch: three arrays of u32 (offset into the arena, length, key slot), the tags made, and the arena that holds the
// messages.
export const BATCH: usize = CANDIDATES + 7 * 4 * 12288;
export const BATCH_MAX: u32 = 1024;
export const BATCH_OFFSETS: usize = BATCH;
export const BATCH_LENGTHS: usize = BATCH_OFFSETS + 4 * 1024;
export const BATCH_SLOTS: usize = BATCH_LENGTHS + 4 * 1024;
export const BATCH_TAGS: usize = BATCH_SLOTS + 4 * 1024;
export const BATCH_ARENA: usize = BATCH_TAGS + 32 * 1024;
export const BATCH_ARENA_BYTES: u32 = 0xc_0000;

// One text to encrypt or decrypt: the key, the block's number with the nonce behind it, the tag and room for the one it should have, a
// block of the keystream, and in one piece the associated data, filled up with zeros, and the text with room for a block behind it.
export const CIPHER: usize = BATCH_ARENA + (BATCH_ARENA_BYTES as usize);
export const CIPHER_KEY: usize = CIPHER;
export const CIPHER_COUNTER: usize = CIPHER + 32;
export const CIPHER_NONCE: usize = CIPHER_COUNTER + 4;
export const CIPHER_TAG: usize = CIPHER + 48;
export const CIPHER_TAG_BYTES: usize = 16;
export const CIPHER_STREAM: usize = CIPHER + 80;
export const CIPHER_ASSOCIATED: usize = CIPHER + 144;
export const CIPHER_ASSOCIATED_BYTES_MAX: u32 = 16;
export const CIPHER_TEXT: usize = CIPHER_ASSOCIATED + 16;
export const CIPHER_TEXT_BYTES_MAX: u32 = 4096;

// Four lanes: the transposed hash state (8 x 16 bytes), then for each lane its tail (128), its outer block (64) and its
// progress (64).
export const LANES_STATE: usize = 1024;
export const LANES: usize = LANES_STATE + 128;
export const LANE_BYTES: usize = 256;
