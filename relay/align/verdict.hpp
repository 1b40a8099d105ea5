// The verdict on one message, and what policy makes of it: pure functions over evidence.
//
// Evidence is what the DNS said about every address the message may leave from and every key that
// signs it. The verdict is the worst over all addresses (RFC 9989 5.3.5 for each). A verdict is a
// prediction about receivers; what we do with it is decide_action().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "relay/align/dmarc.hpp"
#include "relay/align/key_proof.hpp"
#include "relay/align/spf.hpp"
#include "relay/base/alignment_policy.hpp"

namespace signet::align {

enum class VerdictResult { pass, unknown, fail };  ///< From best to worst.
[[nodiscard]] std::string_view name_of(VerdictResult result);

/// Why, for metrics: a fixed set.
enum class VerdictReason {
  aligned,               ///< DKIM is in alignment.
  aligned_by_spf_alone,  ///< On every address.
  no_signature,          ///< No key of ours signs, and SPF does not pass everywhere.
  signature_unaligned,   ///< d= is not the author's.
  key_not_in_dns,
  key_differs,
  key_unusable,     ///< Revoked, a test, forbidden, unreadable, or one of several records.
  foreign_invalid,  ///< Foreign mail without a valid signature in alignment.
  dns_error,
  deadline
};
[[nodiscard]] std::string_view name_of(VerdictReason reason);

/// SPF for one address mail may leave from. The identity is MAIL FROM; for the null reverse-path it
/// is postmaster@HELO and may align: RFC 9989 3.2.4 makes the SPF Domain the MAIL FROM identity as
/// RFC 7208 2.4 defines it for a null path, and only the HELO identity proper does not count.
struct SpfEvidence {
  IpAddress address;
  std::string domain;
  SpfOutcome outcome = SpfOutcome::temperror;
  Alignment alignment = Alignment::unknown;
  Alignment by_list = Alignment::unknown;
};

enum class SignatureWorth { usable, useless, unknown };
struct DkimEvidence {
  std::string domain;  ///< d=
  std::string name;    ///< "selector._domainkey.domain"
  SignatureWorth worth = SignatureWorth::unknown;
  VerdictReason why_useless = VerdictReason::key_unusable;
  std::string words = {};  ///< What is wrong with the key or the signature.
  Alignment alignment = Alignment::unknown;
  Alignment by_list = Alignment::unknown;
};

struct Evidence {
  std::string author;
  bool is_foreign = false;
  bool deadline_passed = false;
  AppliedPolicy policy;
  AppliedPolicy policy_by_list;
  std::vector<SpfEvidence> spf;
  bool some_address_unknown = false;  ///< A next hop not ours without spf_addresses, and the like.
  std::vector<DkimEvidence> dkim;
};

struct Verdict {
  VerdictResult result = VerdictResult::unknown;
  VerdictReason reason = VerdictReason::dns_error;
  std::string words = {};  ///< Says what to mend; printable ASCII; empty when all is well.
  /// What large consumer mailbox hosts ask: SPF and DKIM both pass, one of them in alignment.
  VerdictResult strict = VerdictResult::unknown;
  std::string strict_words = {};
  /// By the public suffix list, for receivers that have not moved to RFC 9989.
  VerdictResult by_list = VerdictResult::unknown;
  bool worlds_differ = false;
  AppliedPolicy policy = {};
};

[[nodiscard]] Verdict decide_verdict(const Evidence& evidence);

enum class Action { send, tag, hold, refuse };
[[nodiscard]] std::string_view name_of(Action action);
/// unknown is sent whatever the policy says.
[[nodiscard]] Action decide_action(const Verdict& verdict, AlignmentPolicy policy);

/// The value of X-Signet-Alignment.
[[nodiscard]] std::string tag_value(const Verdict& verdict, const std::string& author);

}  // namespace signet::align
