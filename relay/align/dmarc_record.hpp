// DMARC Policy Records (RFC 9989 4.7, 4.8): text to tags.
//
//   dmarc-record = "v" "=" %s"DMARC1" *( ";" tag "=" value ) [ ";" ]
//
// No DNS here. What is wrong in a record after its version is ignored, as the RFC demands, and told
// in `problems` for whoever looks after the domain.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace signet::align {

/// Domain Owner Assessment Policy; in order of severity.
enum class DmarcPolicy { none, quarantine, reject };
enum class AlignmentMode { relaxed, strict };
enum class PublicSuffixFlag { unsaid, yes, no };  ///< psd=u, y, n

[[nodiscard]] std::string_view name_of(DmarcPolicy policy);

struct DmarcRecord {
  /// False: no valid p=, or an invalid sp= or np=, and no valid rua=: no DMARC processing for
  /// messages to which this record applies (4.10.1).
  bool is_usable = true;
  /// False: p=none counts in place of what the record says, or nothing does.
  bool policy_is_valid = true;
  DmarcPolicy p = DmarcPolicy::none;
  std::optional<DmarcPolicy> sp;
  std::optional<DmarcPolicy> np;
  AlignmentMode adkim = AlignmentMode::relaxed;
  AlignmentMode aspf = AlignmentMode::relaxed;
  PublicSuffixFlag psd = PublicSuffixFlag::unsaid;
  bool is_test = false;               ///< t=y
  std::vector<std::string> rua = {};  ///< Valid URIs only.
  std::vector<std::string> ruf = {};
  std::vector<std::string> problems = {};  ///< Removed, unknown, repeated and malformed tags.
};

/// Nothing: the text does not begin with the version tag, so it is no DMARC Policy Record.
[[nodiscard]] std::optional<DmarcRecord> parse_dmarc_record(std::string_view text);

/// The one record among the TXT records of a name; of several all are discarded (4.10 step 2).
[[nodiscard]] std::optional<DmarcRecord> select_dmarc_record(std::span<const std::string> texts);

}  // namespace signet::align
