// DMARC decisions (RFC 9989 4.10.1, 4.10.2, 5.3): which policy applies, what is in alignment.
//
// Pure: from walks that were made to answers. Beside it the same by the public suffix list
// (RFC 7489 3.2, 6.6.3), because receivers differ.
#pragma once

#include <optional>
#include <string>

#include "relay/align/public_suffix.hpp"
#include "relay/align/tree_walk.hpp"

namespace signet::align {

enum class Discovery { found, no_record, unknown };

/// The policy for messages of an Author Domain.
struct AppliedPolicy {
  Discovery discovery = Discovery::unknown;
  std::string domain = {};                   ///< The DMARC Policy Domain, when found.
  DmarcPolicy policy = DmarcPolicy::none;    ///< After t=y lowered it.
  DmarcPolicy declared = DmarcPolicy::none;  ///< As the record says.
  AlignmentMode adkim = AlignmentMode::relaxed;
  AlignmentMode aspf = AlignmentMode::relaxed;
  friend bool operator==(const AppliedPolicy&, const AppliedPolicy&) = default;
};

/// t=y: one level below (4.7).
[[nodiscard]] DmarcPolicy lowered(DmarcPolicy policy);

/// True if the Author Domain's own existence decides between sp= and np=.
[[nodiscard]] bool needs_existence(const Walk& author);
/// `exists`: the Author Domain is no NXDOMAIN; nothing where that was not asked or not answered.
[[nodiscard]] AppliedPolicy applied_policy(const Walk& author, std::optional<bool> exists);

enum class Alignment { aligned, unaligned, unknown };
/// Of an Authenticated Identifier with the Author Domain.
[[nodiscard]] Alignment identifier_alignment(AlignmentMode mode, const Walk& author,
                                             const Walk& identifier);

/// The same in the other world: the Author Domain's own record, else that of its Organizational
/// Domain by the list, with sp= (RFC 7489 6.6.3); np=, psd= and t= are unknown there. `at_top` is
/// the record at that Organizational Domain.
[[nodiscard]] AppliedPolicy applied_policy_by_list(const Walk& author, const std::string& top,
                                                   const std::optional<DmarcRecord>& at_top);
[[nodiscard]] Alignment identifier_alignment_by_list(AlignmentMode mode,
                                                     const PublicSuffixes& suffixes,
                                                     const std::string& author,
                                                     const std::string& identifier);
/// The step of a walk at `domain`; null: it did not come there.
[[nodiscard]] const WalkStep* step_at(const Walk& walk, const std::string& domain);

}  // namespace signet::align
