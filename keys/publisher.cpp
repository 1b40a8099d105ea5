#include "keys/publisher.hpp"

#include <openssl/crypto.h>

#include "keys/base64.hpp"
#include "keys/dns_exchange.hpp"
#include "keys/secret_file.hpp"

namespace signet::keys {
namespace {

class ManualPublisher final : public Publisher {
 public:
  [[nodiscard]] Result<void> publish(const RecordChange& /*change*/) override { return {}; }
  [[nodiscard]] bool acts() const override { return false; }
};

/// Wipes the secret when it goes.
struct Secret {
  TsigKey key;
  Secret() = default;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { OPENSSL_cleanse(key.secret.data(), key.secret.size()); }
};

Result<void> read_secret(const UpdateOptions& options, Secret& into) {
  const auto& file = options.key_file;
  const auto text = read_group_secret(file);
  if (!text) return fail(Fault::publisher_failed, "TSIG key: " + text.error().detail);
  into.key.name = options.key_name;
  into.key.algorithm = options.algorithm;
  into.key.secret.reserve(text->view().size());  // One buffer, which is wiped.
  for (const char c : text->view())
    if (c > ' ') into.key.secret += c;
  auto octets = decode_base64(into.key.secret);
  const bool is_usable = octets && !octets->empty();
  if (octets) OPENSSL_cleanse(octets->data(), octets->size());
  if (is_usable) return {};
  return fail(Fault::publisher_failed,
              "TSIG key: " + file.string() +
                  (into.key.secret.empty() ? " is empty" : " does not hold a secret in base64"));
}

/// RFC 8945 4.2: the error in the answer's TSIG; 0 without one.
unsigned tsig_error_of(const ldns_pkt* answer) {
  constexpr std::size_t kErrorField = 5;
  const ldns_rr* signature = ldns_pkt_tsig(answer);
  const ldns_rdf* field = signature != nullptr ? ldns_rr_rdf(signature, kErrorField) : nullptr;
  return field != nullptr && ldns_rdf_size(field) == 2 ? ldns_rdf2native_int16(field) : 0;
}

/// Why the server refused, and what to look at.
std::string reason_of(const ldns_pkt* answer, const std::string& zone, const TsigKey& key) {
  const auto error = tsig_error_of(answer);
  if (error == 16) return "BADSIG: it has another secret for the key " + key.name;
  if (error == 17)
    return "BADKEY: it knows no key " + key.name + " of " + key.algorithm + " that may do this";
  if (error == 18) return "BADTIME: its clock and ours differ";
  if (error != 0) return "TSIG error " + std::to_string(error);
  const auto rcode = ldns_pkt_get_rcode(answer);
  const Ldns<char> text(ldns_pkt_rcode2str(rcode));
  const std::string name = text ? text.get() : "?";
  return rcode == LDNS_RCODE_NOTAUTH ? name + ": it is no name server of " + zone : name;
}

Ldns<ldns_rdf> name_of(const std::string& text) {
  return Ldns<ldns_rdf>(ldns_dname_new_frm_str((text + ".").c_str()));
}

/// RFC 2136 2.5.2: class ANY without data deletes the whole RRset.
Ldns<ldns_rr> deletion_of(const std::string& name) {
  Ldns<ldns_rr> record(ldns_rr_new());
  if (!record) return record;
  ldns_rr_set_owner(record.get(), name_of(name).release());
  ldns_rr_set_type(record.get(), LDNS_RR_TYPE_TXT);
  ldns_rr_set_class(record.get(), LDNS_RR_CLASS_ANY);
  ldns_rr_set_ttl(record.get(), 0);
  return record;
}

Ldns<ldns_rr> addition_of(const RecordChange& change) {
  Ldns<ldns_rr> record(ldns_rr_new());
  if (!record) return record;
  ldns_rr_set_owner(record.get(), name_of(change.name).release());
  ldns_rr_set_type(record.get(), LDNS_RR_TYPE_TXT);
  ldns_rr_set_class(record.get(), LDNS_RR_CLASS_IN);
  ldns_rr_set_ttl(record.get(), static_cast<std::uint32_t>(change.ttl.count()));
  for (const std::string& piece : character_strings(*change.value)) {
    const std::string wire = static_cast<char>(static_cast<unsigned char>(piece.size())) + piece;
    ldns_rr_push_rdf(record.get(),
                     ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, wire.size(), wire.data()));
  }
  return record;
}

class UpdatePublisher final : public Publisher {
 public:
  UpdatePublisher(UpdateOptions options, DnsProof& proof)
      : options_(std::move(options)), proof_(proof) {}

  [[nodiscard]] Result<void> publish(const RecordChange& change) override {
    std::string zone = options_.zone;
    if (zone.empty()) {
      const auto found = proof_.zone_of(change.name);
      if (!found) return fail(Fault::publisher_failed, found.error().detail);
      zone = found->apex;
    }
    auto update = make_update(zone, change);
    if (!update) return fail(Fault::publisher_failed, "no DNS name: " + change.name);
    Secret secret;
    if (const auto read = read_secret(options_, secret); !read) return read;
    const auto answer =
        send_update(options_.server, std::move(update), secret.key, options_.timeout);
    if (!answer) return answer.failure();
    if (ldns_pkt_get_rcode(answer->get()) == LDNS_RCODE_NOERROR) return {};
    return fail(Fault::publisher_failed, options_.server.to_string() + " refuses the update of " +
                                             zone + ": " +
                                             reason_of(answer->get(), zone, secret.key));
  }

 private:
  static Ldns<ldns_pkt> make_update(const std::string& zone, const RecordChange& change) {
    const Ldns<ldns_rr_list> updates(ldns_rr_list_new());
    ldns_rr_list_push_rr(updates.get(), deletion_of(change.name).release());
    if (change.value) ldns_rr_list_push_rr(updates.get(), addition_of(change).release());
    return Ldns<ldns_pkt>(ldns_update_pkt_new(name_of(zone == "." ? "" : zone).release(),
                                              LDNS_RR_CLASS_IN, nullptr, updates.get(), nullptr));
  }

  UpdateOptions options_;
  DnsProof& proof_;
};

}  // namespace

std::unique_ptr<Publisher> make_manual_publisher() { return std::make_unique<ManualPublisher>(); }

std::unique_ptr<Publisher> make_update_publisher(UpdateOptions options, DnsProof& proof) {
  return std::make_unique<UpdatePublisher>(std::move(options), proof);
}

std::vector<std::string> character_strings(std::string_view value) {
  constexpr std::size_t kMaxString = 255;
  std::vector<std::string> strings;
  for (std::size_t at = 0; at == 0 || at < value.size(); at += kMaxString)
    strings.emplace_back(value.substr(at, kMaxString));
  return strings;
}

}  // namespace signet::keys
