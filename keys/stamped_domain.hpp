// A domain as read, with the marks by which a later look can tell whether to read it again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "keys/signing_domain.hpp"

namespace signet::keys {

/// What a file was when it was read. Equal stamps: the same octets, unless a clock tick hid it.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t changed_ns = 0;  ///< ctime: a file can be given any mtime, not any ctime.
  std::int64_t size = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

struct DomainStamp {
  /// Relative to the domain's directory; "." is the directory itself.
  std::vector<std::pair<std::string, FileStamp>> files;
  /// False when something was changed so shortly before the read that its stamp proves nothing.
  bool settled = false;
  std::optional<WallTime> good_until;  ///< Then a legacy key ends, whatever the files say.
};

struct StampedDomain {
  Result<std::shared_ptr<const SigningDomain>> domain;
  DomainStamp stamp;
};

/// As read_domain(). Blocks.
[[nodiscard]] StampedDomain read_stamped(const std::filesystem::path& store, const Domain& domain,
                                         bool allow_group, WallTime now);

/// True if nothing has changed since the read: a stat(2) per file, no parsing. Blocks.
[[nodiscard]] bool is_unchanged(const std::filesystem::path& store, const Domain& domain,
                                const DomainStamp& stamp, WallTime now);

}  // namespace signet::keys
