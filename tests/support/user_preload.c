/* Preloaded into a peer whose package would make a user and a group for it: what is missing is
 * `mail`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>

struct passwd *getpwnam(const char *name) {
  struct passwd *(*real)(const char *) =
      (struct passwd * (*)(const char *)) dlsym(RTLD_NEXT, "getpwnam");
  struct passwd *found = real(name);
  return found != NULL ? found : real("mail");
}

struct group *getgrnam(const char *name) {
  struct group *(*real)(const char *) =
      (struct group * (*)(const char *)) dlsym(RTLD_NEXT, "getgrnam");
  struct group *found = real(name);
  return found != NULL ? found : real("mail");
}
