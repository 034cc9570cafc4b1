/*
 * A file system in memory that can lose its power: what was not synced is gone, as after the real thing.
 *
 *   file-system <mount point>      needs root, libfuse3 and /dev/fuse
 *
 * It obeys the lines of its standard input and answers each on its standard output:
 *   cut             every access fails from now on, between two calls and with nothing of a call half done  -> cut
 *   restore         drops what was not synced and mounts again                                            -> mounted
 *   restore SEED    as above, but a part of what was not synced had reached the disk, chosen by SEED        -> mounted
 * It prints "mounted" when it is there, and unmounts when its input ends.
 *
 * What is durable:
 *   - data and size of a file after fsync, fdatasync, or a write through O_SYNC or O_DSYNC (for which the kernel calls
 *     fsync). sync_file_range, sync and syncfs promise nothing here;
 *   - names of a directory (new, removed, linked, renamed) after fsync of that directory, in the order they were made. fsync
 *     also makes durable the first name of the file or directory and of those above it, with everything that happened in
 *     each of these before, as ext4, XFS and btrfs do; a later rename it doesn't;
 *   - owner, mode and times at once.
 * With a seed each block of 4 KiB, each size and a first part of each directory's changes may have reached the disk.
 */
#define FUSE_USE_VERSION 314
#define _GNU_SOURCE
#include <errno.h>
#include <fuse_lowlevel.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/mount.h>
#include <unistd.h>
#include "disk.h"

/* The kernel may believe what it knows: nobody changes files behind its back. */
#define CACHE_SECONDS 3600.0

static struct fuse_session *session;
static const char *mount_point;

static struct inode *inode_of(fuse_ino_t number) {
  return number == FUSE_ROOT_ID ? root : (struct inode *)(uintptr_t)number;
}

/* -- calls of the kernel -- */

static struct fuse_entry_param entry_of(struct inode *inode) {
  return (struct fuse_entry_param){
      .ino = inode == root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)inode,
      .attr = stat_of(inode),
      .attr_timeout = CACHE_SECONDS,
      .entry_timeout = CACHE_SECONDS,
  };
}

static void reply_entry(fuse_req_t request, struct inode *inode) {
  struct fuse_entry_param entry = entry_of(inode);
  fuse_reply_entry(request, &entry);
}

static void on_lookup(fuse_req_t request, fuse_ino_t parent, const char *name) {
  struct entry *entry = find_entry(inode_of(parent)->live_entries, name);
  if (entry == NULL) fuse_reply_err(request, ENOENT);
  else reply_entry(request, entry->inode);
}

static void on_getattr(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
  (void)file;
  struct stat attr = stat_of(inode_of(number));
  fuse_reply_attr(request, &attr, CACHE_SECONDS);
}

static void on_setattr(fuse_req_t request, fuse_ino_t number, struct stat *attr, int set, struct fuse_file_info *file) {
  struct inode *inode = inode_of(number);
  if (set & FUSE_SET_ATTR_MODE) inode->attr.st_mode = (inode->attr.st_mode & S_IFMT) | (attr->st_mode & 07777);
  if (set & FUSE_SET_ATTR_UID) inode->attr.st_uid = attr->st_uid;
  if (set & FUSE_SET_ATTR_GID) inode->attr.st_gid = attr->st_gid;
  if (set & FUSE_SET_ATTR_SIZE) resize_content(&inode->live, attr->st_size);
  touch(inode);
  if (set & FUSE_SET_ATTR_MTIME) inode->attr.st_mtim = attr->st_mtim;
  on_getattr(request, number, file);
}

static void on_readlink(fuse_req_t request, fuse_ino_t number) {
  fuse_reply_readlink(request, inode_of(number)->target);
}

/* Null, with the answer given, when the name is taken. */
static struct inode *make(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, dev_t device) {
  struct inode *directory = inode_of(parent);
  if (find_entry(directory->live_entries, name) != NULL) {
    fuse_reply_err(request, EEXIST);
    return NULL;
  }
  const struct fuse_ctx *caller = fuse_req_ctx(request);
  struct inode *inode = new_inode(directory, mode, caller->uid, caller->gid, device);
  change_directory(directory, NULL, name, inode, true);
  touch(directory);
  return inode;
}

static void on_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, dev_t device) {
  struct inode *inode = make(request, parent, name, mode, device);
  if (inode != NULL) reply_entry(request, inode);
}

static void on_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode) {
  on_mknod(request, parent, name, S_IFDIR | mode, 0);
}

static void on_symlink(fuse_req_t request, const char *target, fuse_ino_t parent, const char *name) {
  struct inode *inode = make(request, parent, name, S_IFLNK | 0777, 0);
  if (inode == NULL) return;
  inode->target = copy_text(target);
  reply_entry(request, inode);
}

static void on_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *file) {
  struct inode *inode = make(request, parent, name, mode, 0);
  if (inode == NULL) return;
  struct fuse_entry_param entry = entry_of(inode);
  fuse_reply_create(request, &entry, file);
}

static void on_unlink(fuse_req_t request, fuse_ino_t parent, const char *name) {
  struct inode *directory = inode_of(parent);
  bool found = find_entry(directory->live_entries, name) != NULL;
  if (found) change_directory(directory, name, NULL, NULL, false);
  touch(directory);
  fuse_reply_err(request, found ? 0 : ENOENT);
}

static void on_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name) {
  struct entry *entry = find_entry(inode_of(parent)->live_entries, name);
  if (entry != NULL && entry->inode->live_entries != NULL) fuse_reply_err(request, ENOTEMPTY);
  else on_unlink(request, parent, name);
}

/* Within one directory: between two, EXDEV, as between file systems. PostgreSQL and the server rename within one. */
static void on_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
                      const char *new_name, unsigned int flags) {
  struct inode *directory = inode_of(parent);
  struct entry *from = find_entry(directory->live_entries, name);
  struct entry *to = find_entry(directory->live_entries, new_name);
  int error = 0;
  if (flags != 0) error = EINVAL;
  else if (parent != new_parent) error = EXDEV;
  else if (from == NULL) error = ENOENT;
  else if (to != NULL && to->inode->live_entries != NULL) error = ENOTEMPTY;
  else change_directory(directory, name, new_name, from->inode, false);
  touch(directory);
  fuse_reply_err(request, error);
}

static void on_link(fuse_req_t request, fuse_ino_t number, fuse_ino_t parent, const char *name) {
  struct inode *directory = inode_of(parent);
  if (find_entry(directory->live_entries, name) != NULL) {
    fuse_reply_err(request, EEXIST);
    return;
  }
  change_directory(directory, NULL, name, inode_of(number), false);
  reply_entry(request, inode_of(number));
}

static void on_open(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
  (void)number;
  file->keep_cache = 1;
  fuse_reply_open(request, file);
}

static void on_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset, struct fuse_file_info *file) {
  (void)file;
  const struct content *content = &inode_of(number)->live;
  size_t length = offset >= content->size ? 0 : (size_t)(content->size - offset) < size ? (size_t)(content->size - offset) : size;
  char *bytes = allocate(length + 1);
  for (size_t done = 0; done < length;) {
    size_t within = (offset + done) % BLOCK_BYTES;
    size_t part = length - done < BLOCK_BYTES - within ? length - done : BLOCK_BYTES - within;
    struct block *block = get_block(content, (offset + done) / BLOCK_BYTES);
    if (block != NULL) memcpy(bytes + done, block->bytes + within, part);
    done += part;
  }
  fuse_reply_buf(request, bytes, length);
  free(bytes);
}

static void on_write(fuse_req_t request, fuse_ino_t number, const char *bytes, size_t size, off_t offset,
                     struct fuse_file_info *file) {
  (void)file;
  write_content(&inode_of(number)->live, bytes, size, offset);
  touch(inode_of(number));
  fuse_reply_write(request, size);
}

static void on_fallocate(fuse_req_t request, fuse_ino_t number, int mode, off_t offset, off_t length,
                         struct fuse_file_info *file) {
  (void)file;
  struct content *content = &inode_of(number)->live;
  if (mode == 0 && offset + length > content->size) resize_content(content, offset + length);
  fuse_reply_err(request, mode == 0 ? 0 : EOPNOTSUPP);
}

static void on_fsync(fuse_req_t request, fuse_ino_t number, int data_only, struct fuse_file_info *file) {
  (void)data_only;
  (void)file;
  struct inode *inode = inode_of(number);
  copy_content(&inode->kept, &inode->live);
  sync_first_names(inode);
  fuse_reply_err(request, 0);
}

static void on_fsyncdir(fuse_req_t request, fuse_ino_t number, int data_only, struct fuse_file_info *file) {
  (void)data_only;
  (void)file;
  sync_directory(inode_of(number));
  sync_first_names(inode_of(number));
  fuse_reply_err(request, 0);
}

/* The whole list as it is when its reading begins, so that names removed meanwhile shift nothing. */
static void on_opendir(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
  size_t size = 0;
  char *list = NULL;
  for (struct entry *entry = inode_of(number)->live_entries; entry != NULL; entry = entry->next) {
    struct stat attr = stat_of(entry->inode);
    size_t bytes = fuse_add_direntry(request, NULL, 0, entry->name, NULL, 0);
    list = realloc(list, sizeof size + size + bytes);
    fuse_add_direntry(request, list + sizeof size + size, bytes, entry->name, &attr, size + bytes);
    size += bytes;
  }
  if (list == NULL) list = allocate(sizeof size);
  memcpy(list, &size, sizeof size);
  file->fh = (uintptr_t)list;
  fuse_reply_open(request, file);
}

static void on_readdir(fuse_req_t request, fuse_ino_t number, size_t room, off_t offset, struct fuse_file_info *file) {
  (void)number;
  const char *list = (const char *)(uintptr_t)file->fh;
  size_t size;
  memcpy(&size, list, sizeof size);
  size_t left = (size_t)offset < size ? size - offset : 0;
  fuse_reply_buf(request, list + sizeof size + offset, left < room ? left : room);
}

static void on_releasedir(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
  (void)number;
  free((void *)(uintptr_t)file->fh);
  fuse_reply_err(request, 0);
}

static void on_statfs(fuse_req_t request, fuse_ino_t number) {
  (void)number;
  struct statvfs room = {.f_bsize = BLOCK_BYTES, .f_frsize = BLOCK_BYTES, .f_blocks = 1 << 22, .f_bfree = 1 << 22,
                         .f_bavail = 1 << 22, .f_files = 1 << 20, .f_ffree = 1 << 20, .f_favail = 1 << 20, .f_namemax = 255};
  fuse_reply_statfs(request, &room);
}

static const struct fuse_lowlevel_ops calls = {
    .lookup = on_lookup, .getattr = on_getattr, .setattr = on_setattr, .readlink = on_readlink, .mknod = on_mknod,
    .mkdir = on_mkdir, .symlink = on_symlink, .create = on_create, .unlink = on_unlink, .rmdir = on_rmdir,
    .rename = on_rename, .link = on_link, .open = on_open, .read = on_read, .write = on_write,
    .fallocate = on_fallocate, .fsync = on_fsync, .fsyncdir = on_fsyncdir, .opendir = on_opendir,
    .readdir = on_readdir, .releasedir = on_releasedir, .statfs = on_statfs,
};

/* -- the program -- */

static void mount_session(void) {
  char *words[] = {"power-loss", "-o", "allow_other,default_permissions,fsname=power-loss", NULL};
  struct fuse_args args = FUSE_ARGS_INIT(3, words);
  session = fuse_session_new(&args, &calls, sizeof calls, NULL);
  if (session == NULL || fuse_session_mount(session, mount_point) != 0) exit(1);
  fuse_opt_free_args(&args);
  puts("mounted");
  fflush(stdout);
}

/* Closing the device ends every call that waits for an answer, and refuses all later ones (ENOTCONN). */
static void cut(void) {
  close(fuse_session_fd(session));
  puts("cut");
  fflush(stdout);
}

static void restore(uint64_t seed) {
  umount2(mount_point, MNT_DETACH);
  lose(seed);
  mount_session();
}

int main(int count, char **words) {
  if (count != 2) return 2;
  mount_point = words[1];
  root = new_inode(NULL, S_IFDIR | 0755, 0, 0, 0);
  mount_session();
  struct fuse_buf buffer = {0};
  bool is_cut = false;
  for (;;) {
    struct pollfd inputs[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                              {.fd = is_cut ? -1 : fuse_session_fd(session), .events = POLLIN}};
    if (poll(inputs, 2, -1) < 0 && errno != EINTR) return 1;
    if (inputs[0].revents != 0) {
      char line[64];
      ssize_t length = read(STDIN_FILENO, line, sizeof line - 1);
      if (length <= 0) break;
      line[length] = '\0';
      uint64_t seed = 0;
      if (strncmp(line, "cut", 3) == 0) {
        cut();
        is_cut = true;
      } else if (strncmp(line, "restore", 7) == 0) {
        sscanf(line, "restore %" SCNu64, &seed);
        restore(seed);
        is_cut = false;
      }
      continue;
    }
    if (inputs[1].revents == 0) continue;
    int size = fuse_session_receive_buf(session, &buffer);
    if (size == -EINTR || size == -EAGAIN) continue;
    if (size <= 0) break;
    fuse_session_process_buf(session, &buffer);
  }
  umount2(mount_point, MNT_DETACH);
  return 0;
}
