#include "relay/sign/signed_fields.hpp"

#include <algorithm>
#include <array>

namespace signet::sign {
namespace {

constexpr std::size_t kMaxSignedNames = 3UL * 1024;

// The first nine are the standard profile.
constexpr std::array<const char*, 19> kOversigned{"From",
                                                  "To",
                                                  "Cc",
                                                  "Subject",
                                                  "Date",
                                                  "Message-ID",
                                                  "MIME-Version",
                                                  "Content-Type",
                                                  "Content-Transfer-Encoding",
                                                  "Reply-To",
                                                  "List-Id",
                                                  "List-Help",
                                                  "List-Unsubscribe",
                                                  "List-Unsubscribe-Post",
                                                  "List-Subscribe",
                                                  "List-Post",
                                                  "List-Owner",
                                                  "List-Archive",
                                                  nullptr};
constexpr std::array<const char*, 10> kStandard = [] {
  std::array<const char*, 10> names{};
  std::copy_n(kOversigned.begin(), 9, names.begin());
  return names;
}();

constexpr std::array<std::string_view, 14> kSigned{"from",
                                                   "to",
                                                   "cc",
                                                   "subject",
                                                   "date",
                                                   "message-id",
                                                   "mime-version",
                                                   "content-type",
                                                   "content-transfer-encoding",
                                                   "reply-to",
                                                   "sender",
                                                   "in-reply-to",
                                                   "references",
                                                   "x-signet-alignment"};

std::size_t oversigned_size() {
  std::size_t size = 0;
  for (const char* name : oversigned_names(keys::Profile::bulk))
    size += std::string_view(name).size() + 1;
  return size;
}

// What libopendkim reads otherwise than RFC 6376: NUL ends its text, VT and FF are its white space.
Result<void> check_octets(std::string_view block) {
  for (std::size_t i = 0; i < block.size(); ++i) {
    const char c = block[i];
    if (c == '\0') return fail(Fault::nul_in_message, "NUL in the header");
    if (c < 0 || c >= ' ' || c == '\t') continue;
    if (c == '\r' && i + 1 < block.size() && block[i + 1] == '\n') {
      ++i;
      continue;
    }
    return fail(Fault::header_malformed, "control octet in the header");
  }
  return {};
}

}  // namespace

std::span<const char* const> oversigned_names(keys::Profile profile) {
  const std::span<const char* const> names = profile == keys::Profile::bulk
                                                 ? std::span<const char* const>(kOversigned)
                                                 : std::span<const char* const>(kStandard);
  return names.first(names.size() - 1);
}

bool is_signed_field(std::string_view name) {
  return name.starts_with("list-") || std::ranges::find(kSigned, name) != kSigned.end();
}

Result<std::vector<HeaderField>> fields_to_sign(std::string_view block) {
  if (const auto clean = check_octets(block); !clean) return clean.failure();
  auto fields = split_header(block, FieldLimits{});
  if (!fields) return fields;
  static const std::size_t kOversignedSize = oversigned_size();
  std::size_t size = kOversignedSize;
  std::size_t authors = 0;
  for (const auto& field : *fields) {
    if (is_signed_field(field.name)) size += field.name.size() + 1;
    if (field.name == "from") ++authors;
  }
  if (authors == 0) return fail(Fault::author_missing);
  if (authors > 1) return fail(Fault::author_ambiguous, "two From fields");
  if (size > kMaxSignedNames) return fail(Fault::header_too_big, "signed names over 3 KiB");
  return fields;
}

}  // namespace signet::sign
