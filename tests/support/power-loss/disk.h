/*
 * What the file system keeps: each file and directory as it is seen (`live`) and as it is on the disk (`kept`), the
 * steps that make the one the other (write, change, sync), and the loss of what is only seen.
 */
#ifndef DISK_H
#define DISK_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define BLOCK_BYTES 4096
struct block {
  size_t uses;
  char bytes[BLOCK_BYTES];
};

/* A block that is missing is all zero. */
struct content {
  struct block **blocks;
  size_t count;
  off_t size;
};

struct inode;

struct entry {
  char *name;
  struct inode *inode;
  struct entry *next;
};

/* One step in a directory: removes a name, sets a name, or both at once (a rename). */
struct change {
  char *removed;
  char *set;
  struct inode *inode;
  bool creates;
  struct change *next;
};

struct inode {
  struct stat attr;
  char *target;
  struct content live, kept;
  struct entry *live_entries, *kept_entries;
  struct change *changes;
  struct inode *parent;
  bool reachable;
  struct inode *next;
};

static struct inode *inodes;
static struct inode *root;

static void *allocate(size_t bytes) {
  void *memory = calloc(1, bytes);
  if (memory == NULL) {
    fputs("out of memory\n", stderr);
    exit(1);
  }
  return memory;
}

static char *copy_text(const char *text) {
  return text == NULL ? NULL : strcpy(allocate(strlen(text) + 1), text);
}

/* -- content -- */

static void put_block(struct content *content, size_t index, struct block *block) {
  if (index >= content->count) {
    if (block == NULL) return;
    size_t count = content->count * 2 > index + 1 ? content->count * 2 : index + 1;
    struct block **blocks = allocate(count * sizeof *blocks);
    if (content->count > 0) memcpy(blocks, content->blocks, content->count * sizeof *blocks);
    free(content->blocks);
    content->blocks = blocks;
    content->count = count;
  }
  if (block != NULL) block->uses++;
  struct block *old = content->blocks[index];
  if (old != NULL && --old->uses == 0) free(old);
  content->blocks[index] = block;
}

static struct block *get_block(const struct content *content, size_t index) {
  return index < content->count ? content->blocks[index] : NULL;
}

/* A block that only `content` uses, to write into. */
static struct block *own_block(struct content *content, size_t index) {
  struct block *block = get_block(content, index);
  if (block != NULL && block->uses == 1) return block;
  struct block *copy = allocate(sizeof *copy);
  if (block != NULL) memcpy(copy->bytes, block->bytes, BLOCK_BYTES);
  put_block(content, index, copy);
  return copy;
}

static void write_content(struct content *content, const char *bytes, size_t size, off_t offset) {
  for (size_t done = 0; done < size;) {
    size_t within = (offset + done) % BLOCK_BYTES;
    size_t part = size - done < BLOCK_BYTES - within ? size - done : BLOCK_BYTES - within;
    memcpy(own_block(content, (offset + done) / BLOCK_BYTES)->bytes + within, bytes + done, part);
    done += part;
  }
  if (offset + (off_t)size > content->size) content->size = offset + size;
}

static void resize_content(struct content *content, off_t size) {
  if (size < content->size) {
    size_t last = (size + BLOCK_BYTES - 1) / BLOCK_BYTES;
    for (size_t index = last; index < content->count; index++) put_block(content, index, NULL);
    size_t within = size % BLOCK_BYTES;
    if (within > 0 && get_block(content, size / BLOCK_BYTES) != NULL)
      memset(own_block(content, size / BLOCK_BYTES)->bytes + within, 0, BLOCK_BYTES - within);
  }
  content->size = size;
}

static void copy_content(struct content *to, const struct content *from) {
  size_t count = to->count > from->count ? to->count : from->count;
  for (size_t index = 0; index < count; index++) {
    struct block *block = get_block(from, index);
    if (get_block(to, index) != block) put_block(to, index, block);
  }
  to->size = from->size;
}

/* -- directories -- */

static struct entry *find_entry(struct entry *entries, const char *name) {
  for (; entries != NULL; entries = entries->next)
    if (strcmp(entries->name, name) == 0) return entries;
  return NULL;
}

static void remove_entry(struct entry **entries, const char *name) {
  for (; *entries != NULL; entries = &(*entries)->next) {
    struct entry *entry = *entries;
    if (strcmp(entry->name, name) != 0) continue;
    *entries = entry->next;
    free(entry->name);
    free(entry);
    return;
  }
}

static void set_entry(struct entry **entries, const char *name, struct inode *inode) {
  remove_entry(entries, name);
  struct entry *entry = allocate(sizeof *entry);
  *entry = (struct entry){copy_text(name), inode, *entries};
  *entries = entry;
}

static void apply(struct entry **entries, const struct change *change) {
  if (change->removed != NULL) remove_entry(entries, change->removed);
  if (change->set != NULL) set_entry(entries, change->set, change->inode);
}

static void change_directory(struct inode *directory, const char *removed, const char *set, struct inode *inode,
                             bool creates) {
  struct change *change = allocate(sizeof *change);
  *change = (struct change){copy_text(removed), copy_text(set), inode, creates, NULL};
  apply(&directory->live_entries, change);
  struct change **end = &directory->changes;
  while (*end != NULL) end = &(*end)->next;
  *end = change;
}

/* Takes the first change away, made durable or lost. */
static void take_change(struct inode *directory, bool durable) {
  struct change *change = directory->changes;
  if (durable) apply(&directory->kept_entries, change);
  directory->changes = change->next;
  free(change->removed);
  free(change->set);
  free(change);
}

static void sync_directory(struct inode *directory) {
  while (directory->changes != NULL) take_change(directory, true);
}

/*
 * Makes the names durable with which a file or directory and the directories above it were made, and what happened in each of
 * these before.
 */
static void sync_first_names(struct inode *inode) {
  for (struct inode *parent = inode->parent; parent != NULL; inode = parent, parent = inode->parent) {
    struct change *change = parent->changes;
    while (change != NULL && !(change->creates && change->inode == inode)) change = change->next;
    for (bool last = change == NULL; !last;) {
      last = parent->changes == change;
      take_change(parent, true);
    }
  }
}

/* -- inodes -- */

static struct inode *new_inode(struct inode *parent, mode_t mode, uid_t uid, gid_t gid, dev_t device) {
  static ino_t numbers = 1;
  struct inode *inode = allocate(sizeof *inode);
  inode->attr = (struct stat){.st_ino = numbers++, .st_mode = mode, .st_uid = uid, .st_gid = gid, .st_rdev = device};
  clock_gettime(CLOCK_REALTIME, &inode->attr.st_mtim);
  inode->attr.st_ctim = inode->attr.st_atim = inode->attr.st_mtim;
  inode->parent = parent;
  inode->next = inodes;
  inodes = inode;
  return inode;
}

static size_t count_names(const struct inode *directory, const struct inode *inode) {
  size_t names = 0;
  for (struct entry *entry = directory->live_entries; entry != NULL; entry = entry->next)
    if (entry->inode == inode) names++;
  return names;
}

static struct stat stat_of(const struct inode *inode) {
  struct stat attr = inode->attr;
  attr.st_size = inode->target != NULL ? (off_t)strlen(inode->target) : inode->live.size;
  attr.st_blocks = (attr.st_size + 511) / 512;
  attr.st_blksize = BLOCK_BYTES;
  attr.st_nlink = S_ISDIR(attr.st_mode) || inode->parent == NULL ? 2 : count_names(inode->parent, inode);
  return attr;
}

static void touch(struct inode *inode) {
  clock_gettime(CLOCK_REALTIME, &inode->attr.st_mtim);
  inode->attr.st_ctim = inode->attr.st_mtim;
}

static void free_inode(struct inode *inode) {
  resize_content(&inode->live, 0);
  resize_content(&inode->kept, 0);
  free(inode->live.blocks);
  free(inode->kept.blocks);
  while (inode->live_entries != NULL) remove_entry(&inode->live_entries, inode->live_entries->name);
  while (inode->kept_entries != NULL) remove_entry(&inode->kept_entries, inode->kept_entries->name);
  free(inode->target);
  free(inode);
}

/* -- the loss -- */

/* xorshift64*; 0 for a loss of everything. */
static uint64_t chance;

static uint64_t next_chance(void) {
  chance ^= chance >> 12;
  chance ^= chance << 25;
  chance ^= chance >> 27;
  return chance * UINT64_C(2685821657736338717) >> 32;
}

static bool reached_disk(void) { return chance != 0 && next_chance() % 2 == 1; }

static void lose_content(struct inode *inode) {
  struct content *live = &inode->live, *kept = &inode->kept;
  off_t shorter = live->size < kept->size ? live->size : kept->size;
  bool resized = live->size != kept->size && reached_disk();
  for (size_t index = 0; index < live->count; index++) {
    struct block *block = live->blocks[index];
    bool in_both = (off_t)index * BLOCK_BYTES < shorter;
    if (block != get_block(kept, index) && (in_both || resized) && reached_disk()) put_block(kept, index, block);
  }
  if (resized) resize_content(kept, live->size);
  copy_content(live, kept);
}

static void lose_names(struct inode *directory) {
  size_t count = 0;
  for (struct change *change = directory->changes; change != NULL; change = change->next) count++;
  size_t durable = chance == 0 ? 0 : next_chance() % (count + 1);
  while (directory->changes != NULL) {
    take_change(directory, durable > 0);
    if (durable > 0) durable--;
  }
  while (directory->live_entries != NULL) remove_entry(&directory->live_entries, directory->live_entries->name);
  for (struct entry *entry = directory->kept_entries; entry != NULL; entry = entry->next)
    set_entry(&directory->live_entries, entry->name, entry->inode);
}

static void mark_reachable(struct inode *inode) {
  if (inode->reachable) return;
  inode->reachable = true;
  for (struct entry *entry = inode->live_entries; entry != NULL; entry = entry->next) mark_reachable(entry->inode);
}

static void lose(uint64_t seed) {
  chance = seed;
  for (struct inode *inode = inodes; inode != NULL; inode = inode->next) {
    lose_content(inode);
    lose_names(inode);
    inode->reachable = false;
  }
  mark_reachable(root);
  for (struct inode **at = &inodes; *at != NULL;) {
    struct inode *inode = *at;
    if (inode->reachable) {
      at = &inode->next;
      continue;
    }
    *at = inode->next;
    free_inode(inode);
  }
}

#endif
