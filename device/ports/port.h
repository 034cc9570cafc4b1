/*
 * Every function a port gives. A port is one C file; device/core has no other way to the machine it runs on, and no
 * #ifdef for one.
 */
#ifndef YG_PORT_H
#define YG_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- What the runtime needs ---- */

/*
 * Bytes of zeroed memory for a module's linear memory, aligned to 8 bytes, or NULL when there is none left. Exactly
 * this many bytes need be usable; the sandbox asks for whole pages only.
 */
void *port_map_memory(size_t bytes);

/* Takes back what port_map_memory gave, with the same size. NULL is ignored. */
void port_unmap_memory(void *memory, size_t bytes);

/*
 * Bytes of a page: a power of two. WAMR checks a module's accesses against whole pages, so that a small page wastes little;
 * 256 on every port so far. Where memory really comes in larger pages it must be theirs.
 */
size_t port_page_bytes(void);

/* A number of the calling task. */
uintptr_t port_task(void);

/* Between these two is no other task; it is as short as copying a message. */
void port_lock(void);
void port_unlock(void);

/*
 * Sleeps until port_wake is called, or for so many milliseconds; it may end earlier. Only in the task that owns the
 * runtime, and at once when port_wake was called since the last time.
 */
void port_wait(uint32_t milliseconds);
void port_wake(void);

/* Ends the program, or restarts the device: going on would harm more. */
_Noreturn void port_fail(const char *reason);

/*
 * The lowest address the C stack of the calling task may reach. WAMR traps a call that would come within 1 KiB of it.
 */
uint8_t *port_stack_boundary(void);

/* Microseconds since any moment before the start, never less than before. Calls are stopped by it. */
uint64_t port_clock_us(void);

/* ---- What scripts need beside it (yg_natives.h, yg_store.h) ---- */

/* Makes a pin an output or an input; false where the board has none of this number. */
bool port_gpio_mode(uint32_t pin, bool is_output);

/* Sets an output. */
bool port_gpio_write(uint32_t pin, bool level);

/* 0 or 1, -1 where the board has no such pin. */
int port_gpio_read(uint32_t pin);

/* The last reading; false where there is no sensor of this name. */
bool port_sensor_read(const char *name, double *value);

/* Sets an actuator; false where there is none of this name. */
bool port_actuator_set(const char *name, double value);

/* How an actuator is; false where there is none of this name. */
bool port_actuator_get(const char *name, double *value);

/* Whether the owner of this Ed25519 key signed a message (RFC 8032). */
bool port_verify_signature(const uint8_t key[32], const uint8_t signature[64], const uint8_t *message, size_t bytes);

/*
 * Flash as files. A name is at most PORT_FILE_NAME_BYTES with its zero. Each of them answers false when flash refuses; then
 * nothing has changed but an append, which may be there in part.
 */
#define PORT_FILE_NAME_BYTES 40

/* Writes behind what is there, or a new file. It lasts only when the file has been synced. */
bool port_file_append(const char *name, const void *data, size_t bytes);

/* What was appended lasts from here on, with the name. */
bool port_file_sync(const char *name);

/* Renames in one step that lasts; what was there under the new name is gone. */
bool port_file_rename(const char *from, const char *to);

/* Removes a file, for good; true also where there is none. */
bool port_file_remove(const char *name);

/* Reads up to `bytes` from `offset` on. Returns how many, -1 where there is no such file. */
int32_t port_file_read(const char *name, uint32_t offset, void *data, uint32_t bytes);

/* The name of file number `index`, in any order; false behind the last. Not while files are made or removed. */
bool port_file_name(uint32_t index, char name[PORT_FILE_NAME_BYTES]);

/*
 * ---- What updates need beside port_verify_signature (yg_slots.h): two slots for images, the table that says which of them starts, and
 * the marks of what was written of a download ----
 */
typedef enum { PORT_SLOT_A = 0, PORT_SLOT_B = 1, PORT_TABLE = 2, PORT_MARKS = 3 } port_flash_region;

/* What is erased at once. The table has two sectors, the marks one. */
#define PORT_SECTOR_BYTES 4096u

/* Bytes of each slot: whole sectors, at most as many as a sector has bytes. */
uint32_t port_flash_slot_bytes(void);

/*
 * Each of them answers false when flash refuses. A change lasts when it returns; when power is lost in it, its bytes are
 * anything. A write takes erased bytes, and 0 over any.
 */
bool port_flash_read(port_flash_region region, uint32_t offset, void *data, uint32_t bytes);
bool port_flash_erase(port_flash_region region, uint32_t sector);
bool port_flash_write(port_flash_region region, uint32_t offset, const void *data, uint32_t bytes);

/* ---- What a whole device needs beside it (yg_device.h) ---- */

/* False on a board; true: what it measures is made up, and it says so. */
bool port_board_is_simulated(void);

/* Milliseconds since 1970; 0 where the time isn't known yet. */
uint64_t port_wall_clock_ms(void);

/* Bytes that nobody can foresee. */
void port_random(void *bytes, size_t count);

/*
 * ---- What only the runner of tests and gate needs (device/native/runner.c); a device's firmware leaves these out ----
 */

/* Reads up to `bytes` of the requests. Returns how many; fewer only at the end. */
size_t port_read(void *target, size_t bytes);

/* Appends to the answers. What was written before a crash can be read after it. */
void port_write(const void *source, size_t bytes);

/* Instructions this processor has run so far, modulo 2^32, or 0 on a port that can't count them. */
uint32_t port_instructions(void);

/* The end of the stack that lies unused below the caller, or NULL on a port that doesn't let it be read. */
const uint8_t *port_stack_below(void);

/* Starts another task; false on a port that has only one. */
bool port_start_task(void (*run)(void *), void *argument);

/* Waits for the end of all tasks that were started. */
void port_end_tasks(void);

/* Starts to watch how deep the C stack gets below the caller. */
void port_stack_watch(void);

/* Bytes of C stack used below the caller of port_stack_watch since then, or 0 on a port that can't tell. */
uint32_t port_stack_used_bytes(void);

#endif
