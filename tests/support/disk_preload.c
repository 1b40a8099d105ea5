/* Preloaded into the relay: its disk is as the file $DISK_MOOD says, read at each sync.
 *
 *   slow MILLISECONDS          a sync takes so much longer
 *   slow_tables MILLISECONDS   so does one of RocksDB's table and blob files
 *   broken                     a sync fails with EIO
 *
 * Without the file, or empty, the disk is as it is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int is_table(int descriptor) {
  char link[32];
  char name[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const long size = readlink(link, name, sizeof name);
  return (size > 4 && memcmp(name + size - 4, ".sst", 4) == 0) ||
         (size > 5 && memcmp(name + size - 5, ".blob", 5) == 0);
}

/* 0: the sync is to be done. */
static int mood(int synced) {
  const char *file = getenv("DISK_MOOD");
  char text[32] = "";
  const int descriptor = file != NULL ? open(file, O_RDONLY | O_CLOEXEC) : -1;
  if (descriptor < 0) return 0;
  const long size = read(descriptor, text, sizeof text - 1);
  close(descriptor);
  if (size <= 0) return 0;
  if (strncmp(text, "broken", 6) == 0) {
    errno = EIO;
    return -1;
  }
  long wait = 0;
  if (strncmp(text, "slow ", 5) == 0) wait = strtol(text + 5, NULL, 10);
  if (strncmp(text, "slow_tables ", 12) == 0 && is_table(synced))
    wait = strtol(text + 12, NULL, 10);
  const struct timespec pause = {wait / 1000, wait % 1000 * 1000000};
  nanosleep(&pause, NULL);
  return 0;
}

int fdatasync(int descriptor) {
  return mood(descriptor) != 0 ? -1 : (int)syscall(SYS_fdatasync, descriptor);
}

int fsync(int descriptor) {
  return mood(descriptor) != 0 ? -1 : (int)syscall(SYS_fsync, descriptor);
}
