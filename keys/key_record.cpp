#include "keys/key_record.hpp"

#include "keys/base64.hpp"
#include "keys/tag_list.hpp"

namespace signet::keys {
namespace {

constexpr std::string_view kMiddle = "._domainkey.";

}  // namespace

Result<PublicKeyRecord> parse_key_record(std::string_view text) {
  const auto list = TagList::parse(text);
  if (!list) return list.failure();
  if (const auto* version = list->find("v"); version != nullptr) {
    if (version->value != "DKIM1") return fail(Fault::bad_parameter, "unknown version");
    if (list->front().name != "v") return fail(Fault::bad_parameter, "v= is not first");
  }
  PublicKeyRecord record;
  if (const auto* type = list->find("k")) record.algorithm = type->value;
  const auto* key = list->find("p");
  if (key == nullptr) return fail(Fault::bad_parameter, "no p= tag");
  auto octets = decode_base64(key->value);
  if (!octets) return fail(Fault::bad_parameter, "bad p=");
  record.key = std::move(*octets);
  if (const auto* hashes = list->find("h")) {
    record.allows_sha256 = false;
    for_each_part(hashes->value,
                  [&](std::string_view hash) { record.allows_sha256 |= hash == "sha256"; });
  }
  if (const auto* services = list->find("s")) {
    record.allows_email = false;
    for_each_part(services->value, [&](std::string_view service) {
      record.allows_email |= service == "*" || service == "email";
    });
  }
  if (const auto* flags = list->find("t"))
    for_each_part(flags->value, [&](std::string_view flag) {
      record.testing |= flag == "y";
      record.strict_identity |= flag == "s";
    });
  return record;
}

std::string record_name(const Domain& domain, const std::string& selector) {
  return selector + std::string(kMiddle) + domain.text();
}

std::string delegated_name(const Domain& domain, const std::string& selector, const Domain& zone) {
  return selector + "." + domain.text() + "." + zone.text();
}

std::optional<NamedKey> split_record_name(std::string_view name) {
  const auto at = name.find(kMiddle);
  if (at == std::string_view::npos) return std::nullopt;
  return NamedKey{name.substr(0, at), name.substr(at + kMiddle.size())};
}

}  // namespace signet::keys
