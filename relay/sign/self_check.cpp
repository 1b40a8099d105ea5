#include "relay/sign/self_check.hpp"

#include "relay/sign/check.hpp"
#include "relay/sign/signed_fields.hpp"
#include "relay/sign/verifier.hpp"

namespace signet::sign {

Result<OutgoingMessage> OutgoingMessage::read(std::string_view header) {
  OutgoingMessage message(header);
  auto fields = fields_to_sign({message.header_.data(), message.header_.size()});
  if (!fields) return fields.failure();
  message.fields_ = std::move(*fields);
  return message;
}

void OutgoingMessage::add_body(std::string_view slice) {
  if (slice.empty()) return;
  hash_.add(slice);
  last_[0] = slice.size() > 1 ? slice[slice.size() - 2] : last_[1];
  last_[1] = slice.back();
}

const std::string& OutgoingMessage::body_hash() {
  if (body_hash_.empty()) body_hash_ = hash_.finish();
  return body_hash_;
}

Result<void> OutgoingMessage::check(const PlannedSignature& planned, std::string_view field) {
  const auto began = std::chrono::steady_clock::now();
  auto checked = check_now(planned, field);
  time_of_checks_ += std::chrono::steady_clock::now() - began;
  return checked;
}

Result<void> OutgoingMessage::check_now(const PlannedSignature& planned, std::string_view field) {
  const auto& key = planned.domain->keys[planned.key];
  auto value = field.substr(field.find(':') + 1);
  value.remove_suffix(2);
  const auto tags = parse_signature(value);
  if (!tags) return fail(Fault::signature_wrong, tags.error().detail);
  if (tags->domain != planned.domain->name.text() || tags->selector != key.selector ||
      tags->algorithm != keys::name_of(key.key.algorithm()))
    return fail(Fault::signature_wrong,
                "signed as " + tags->selector + "._domainkey." + tags->domain);
  if (tags->body_length || !tags->relaxed_header || !tags->relaxed_body)
    return fail(Fault::signature_wrong, "not signed whole and relaxed");
  return check_signature(*tags, field, fields_, body_hash(), key.key.handle());
}

std::string key_name(const PlannedSignature& planned) {
  return planned.domain->keys[planned.key].selector + "._domainkey." + planned.domain->name.text();
}

}  // namespace signet::sign
