/* Preloaded into the relay: its disk is as the file $DISK_MOOD says, read at each sync.
 *
 *   slow MILLISECONDS   a sync takes so much longer
 *   broken              a sync fails with EIO
 *
 * Without the file, or empty, the disk is as it is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* 0: the sync is to be done. */
static int mood(void) {
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
  const long wait = strncmp(text, "slow ", 5) == 0 ? strtol(text + 5, NULL, 10) : 0;
  const struct timespec pause = {wait / 1000, wait % 1000 * 1000000};
  nanosleep(&pause, NULL);
  return 0;
}

int fdatasync(int descriptor) {
  return mood() != 0 ? -1 : (int)syscall(SYS_fdatasync, descriptor);
}

int fsync(int descriptor) { return mood() != 0 ? -1 : (int)syscall(SYS_fsync, descriptor); }
