/* Preloaded into the relay: its wall clock is off by the seconds written in the file $CLOCK_STEP,
 * read at each look; the steady clock is left alone. While there is a file $CLOCK_STEP.unsynchronised
 * the kernel says that the clock is not synchronised, else that it is. System calls only, because
 * sanitizers look at the clock before they are ready to see a library call. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

static long step(void) {
  const char *file = getenv("CLOCK_STEP");
  char text[32] = "";
  const long descriptor =
      file != NULL ? syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC) : -1;
  if (descriptor < 0) return 0;
  const long size = syscall(SYS_read, descriptor, text, sizeof text - 1);
  syscall(SYS_close, descriptor);
  return size > 0 ? strtol(text, NULL, 10) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  const int result = (int)syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += step();
  return result;
}

int adjtimex(struct timex *state) {
  char name[4096];
  const char *file = getenv("CLOCK_STEP");
  snprintf(name, sizeof name, "%s.unsynchronised", file != NULL ? file : "");
  state->status = access(name, F_OK) == 0 ? STA_UNSYNC : 0;
  return state->status != 0 ? TIME_ERROR : TIME_OK;
}
