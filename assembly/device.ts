// The ABI of device.wasm: no SIMD, no batches, the least memory. One export does everything, because each export costs a
// device memory. So does each function, about 75 bytes in the runtime beside its code: that is why the build inlines what
// is called once or is small (-O2), and doesn't go for the fewest bytes of code (-Oz), which needs more memory in all.
import { DEVICE_MEMORY_BYTES } from './layout';

export { call } from './commands';

// A runtime that finds these two cuts the 64 KiB page down to this many bytes. It must be whole pages of the device, of 256
// bytes in our ports: on heaps without memory protection the rest of a page would be the host's.
const END: i32 = DEVICE_MEMORY_BYTES;

export { END as __data_end, END as __heap_base };
