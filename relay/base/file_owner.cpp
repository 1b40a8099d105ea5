#include "relay/base/file_owner.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace signet {

bool give_to_owner_of(int directory, int made) {
  struct stat owner{};
  if (geteuid() != 0) return true;
  return fstat(directory, &owner) == 0 && fchown(made, owner.st_uid, owner.st_gid) == 0;
}

}  // namespace signet
