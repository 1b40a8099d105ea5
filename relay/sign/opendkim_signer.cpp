#include <array>

#include "relay/sign/opendkim_library.hpp"
#include "relay/sign/self_check.hpp"
#include "relay/sign/signed_fields.hpp"
#include "relay/sign/signer.hpp"

namespace signet::sign {
namespace {

class OpendkimSigning final : public Signing {
 public:
  OpendkimSigning(const Plan& plan, OutgoingMessage message, WallTime now)
      : plan_(plan), message_(std::move(message)), now_(unix_seconds(now)) {}

  Result<void> add_pass(const Library& library, const PlannedSignature& planned) {
    const auto& domain = *planned.domain;
    auto& pass = *passes_.emplace_back(
        std::make_unique<Pass>(library, domain.name, domain.keys[planned.key]));
    if (const auto begun = pass.begin(); !begun) return begun;
    for (const auto& field : message_.fields()) {
      if (!is_signed_field(field.name)) continue;
      const auto text = field.text.substr(0, field.text.size() - 2);
      if (const auto taken = pass.field(text); !taken) return taken;
    }
    return pass.end_header(now_);
  }

  Result<void> body(std::string_view slice) override {
    message_.add_body(slice);
    for (auto& pass : passes_)
      if (const auto taken = pass->body(slice); !taken) return taken;
    return {};
  }

  Result<Signed> finish() override {
    if (!message_.ends_line())
      if (const auto ended = body("\r\n"); !ended) return ended.failure();
    Signed result;
    for (std::size_t i = 0; i < passes_.size(); ++i) {
      const auto& planned = plan_.signatures[i];
      const auto field = passes_[i]->finish(now_, plan_.life.count());
      if (!field) return field.failure();
      if (const auto checked = message_.check(planned, *field); !checked) return checked.failure();
      result.fields += *field;
      result.signed_by.push_back(key_name(planned));
    }
    result.verifying = message_.time_of_checks();
    return result;
  }

 private:
  Plan plan_;
  OutgoingMessage message_;
  std::int64_t now_;
  std::vector<std::unique_ptr<Pass>> passes_;
};

class OpendkimSigner final : public Signer {
 public:
  OpendkimSigner(Library standard, Library bulk)
      : standard_(std::move(standard)), bulk_(std::move(bulk)) {}

  Result<std::unique_ptr<Signing>> begin(const Plan& plan, std::string_view header,
                                         WallTime now) override {
    auto message = OutgoingMessage::read(header);
    if (!message) return message.failure();
    auto signing = std::make_unique<OpendkimSigning>(plan, std::move(*message), now);
    for (const auto& planned : plan.signatures)
      if (const auto added = signing->add_pass(planned.bulk ? bulk_ : standard_, planned); !added)
        return added.failure();
    return std::unique_ptr<Signing>(std::move(signing));
  }

 private:
  Library standard_;
  Library bulk_;
};

}  // namespace

Result<std::unique_ptr<Signer>> make_opendkim_signer() {
  auto standard = Library::open(keys::Profile::standard);
  if (!standard) return standard.failure();
  auto bulk = Library::open(keys::Profile::bulk);
  if (!bulk) return bulk.failure();
  return std::unique_ptr<Signer>(
      std::make_unique<OpendkimSigner>(std::move(*standard), std::move(*bulk)));
}

bool cached_key_path_works() { return Library::open(keys::Profile::standard).has_value(); }

}  // namespace signet::sign
