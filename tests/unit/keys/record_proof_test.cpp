#include "keys/record_proof.hpp"

#include <gtest/gtest.h>

namespace signet::keys {
namespace {

TEST(RecordProofTest, only_exactly_our_key_is_ours) {
  constexpr std::string_view kOurs = "v=DKIM1; k=rsa; p=QUJD";
  struct Case {
    std::string_view found;
    RecordSeen seen;
  };
  for (const auto& [found, seen] : std::vector<Case>{
           {"v=DKIM1; k=rsa; p=QUJD", RecordSeen::ours},
           {"k=rsa;p=QU JD", RecordSeen::ours},
           {"p=QUJD; t=s; n=a note", RecordSeen::ours},
           {"v=DKIM1; h=sha1:sha256; s=tlsrpt:email; p=QUJD;", RecordSeen::ours},
           {"v=DKIM1; p=", RecordSeen::revoked},
           {"v=DKIM1; p=QUJE", RecordSeen::other},
           {"v=DKIM1; k=ed25519; p=QUJD", RecordSeen::other},
           {"v=DKIM1; h=sha1; p=QUJD", RecordSeen::other},
           {"v=DKIM1; s=tlsrpt; p=QUJD", RecordSeen::other},
           {"v=DKIM1; t=y; p=QUJD", RecordSeen::other},
           {"v=DKIM2; p=QUJD", RecordSeen::other},
           {"v=spf1 -all", RecordSeen::other},
           {"", RecordSeen::other},
       }) {
    EXPECT_EQ(compare_record(found, kOurs).seen, seen) << found;
  }
}

}  // namespace
}  // namespace signet::keys
