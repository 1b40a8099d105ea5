#include "relay/accept/scram.hpp"

#include <array>
#include <cstdlib>
#include <new>

#include "relay/smtp/command.hpp"

namespace signet::accept {
namespace {

constexpr std::size_t kSaltOctets = 16;
constexpr std::size_t kKeyOctets = 32;

Failure malformed(const char* what) { return fail(Fault::auth_malformed, what); }

std::string random_octets(std::size_t count) {
  std::string octets(count, '\0');
  // Without random octets nothing here is safe: the program does not start.
  if (gsasl_random(octets.data(), octets.size()) != GSASL_OK) std::abort();
  return octets;
}

/// saslname of RFC 5802 5.1: "=2C" and "=3D" stand for "," and "=".
Result<std::string> decode_name(std::string_view text) {
  std::string name;
  for (; !text.empty(); text.remove_prefix(1)) {
    if (text.front() != '=') {
      name += text.front();
      continue;
    }
    if (!text.starts_with("=2C") && !text.starts_with("=3D")) return malformed("SCRAM name");
    name += text[1] == '2' ? ',' : '=';
    text.remove_prefix(2);
  }
  if (name.empty()) return malformed("SCRAM without a name");
  return name;
}

struct ClientFirst {
  std::string_view binding;  ///< gs2-cbind-flag
  std::string_view authzid;  ///< Encoded, after "a="; empty: none.
  std::string_view name;     ///< Encoded.
};

/// gs2-cbind-flag "," [ "a=" saslname ] "," "n=" saslname "," … (RFC 5802 7).
Result<ClientFirst> split_client_first(std::string_view text) {
  const std::size_t first = text.find(',');
  if (first == std::string_view::npos) return malformed("no gs2-header");
  const std::size_t second = text.find(',', first + 1);
  if (second == std::string_view::npos) return malformed("no gs2-header");
  ClientFirst parts{.binding = text.substr(0, first),
                    .authzid = text.substr(first + 1, second - first - 1),
                    .name = text.substr(second + 1)};
  if (!parts.authzid.empty()) {
    if (!parts.authzid.starts_with("a=")) return malformed("gs2-header");
    parts.authzid.remove_prefix(2);
    if (parts.authzid.empty()) return malformed("gs2-header");
  }
  const std::size_t end = parts.name.find(',');
  if (!parts.name.starts_with("n=") || end == std::string_view::npos) return malformed("no name");
  parts.name = parts.name.substr(2, end - 2);
  return parts;
}

struct Secrets {
  std::array<char, kKeyOctets> salted{};
  std::array<char, kKeyOctets> client{};
  std::array<char, kKeyOctets> server{};
  std::array<char, kKeyOctets> stored{};
};

bool derive(const std::string& password, const std::string& salt, std::uint32_t iterations,
            Secrets& into) {
  return gsasl_scram_secrets_from_password(GSASL_HASH_SHA256, password.c_str(), iterations,
                                           salt.data(), salt.size(), into.salted.data(),
                                           into.client.data(), into.server.data(),
                                           into.stored.data()) == GSASL_OK;
}

std::string base64(const std::array<char, kKeyOctets>& key) {
  return smtp::encode_base64({key.data(), key.size()});
}

}  // namespace

ScramExchange::ScramExchange(bool plus, std::string_view channel_binding) : plus_(plus) {
  Gsasl* library = nullptr;
  if (gsasl_init(&library) != GSASL_OK) return;
  library_.reset(library);
  Gsasl_session* session = nullptr;
  const char* mechanism = plus ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256";
  if (gsasl_server_start(library, mechanism, &session) != GSASL_OK) return;
  session_.reset(session);
  // Also without -PLUS: that there is a binding is how libgsasl knows a downgrade.
  if (!channel_binding.empty() &&
      !set(GSASL_CB_TLS_EXPORTER, smtp::encode_base64(channel_binding))) {
    session_.reset();
  }
}

bool ScramExchange::set(Gsasl_property property, const std::string& value) {
  return gsasl_property_set(session_.get(), property, value.c_str()) == GSASL_OK;
}

Result<std::string> ScramExchange::on_client_first(std::string message) {
  if (!session_) return fail(Fault::local_error, "libgsasl has no SCRAM-SHA-256");
  if (message.contains('\0')) return malformed("SCRAM with NUL");
  const auto parts = split_client_first(message);
  if (!parts) return parts.failure();
  auto user = decode_name(parts->name);
  if (!user) return user;
  if (!parts->authzid.empty()) {
    const auto other = decode_name(parts->authzid);
    if (!other) return other.failure();
    if (*other != *user) return fail(Fault::auth_failed, "acts for another");
  }
  if (!plus_ && parts->binding.starts_with('p')) {
    return fail(Fault::auth_failed, "binds to the channel without -PLUS");
  }
  client_first_ = std::move(message);
  user_ = *user;
  return user;
}

Result<std::string> ScramExchange::on_keys(const config::ScramKeys& keys) {
  const bool is_set =
      set(GSASL_SCRAM_ITER, std::to_string(keys.iterations)) && set(GSASL_SCRAM_SALT, keys.salt) &&
      set(GSASL_SCRAM_STOREDKEY, keys.stored_key) && set(GSASL_SCRAM_SERVERKEY, keys.server_key);
  if (!is_set) return fail(Fault::local_error, "out of memory");
  auto answer = step(client_first_, GSASL_NEEDS_MORE);
  if (!answer) return answer;
  // The keys were chosen by our reading of the name.
  const char* name = gsasl_property_fast(session_.get(), GSASL_AUTHID);
  if (name == nullptr || user_ != name) return fail(Fault::auth_failed, "two names");
  return answer;
}

Result<std::string> ScramExchange::on_client_final(const std::string& message) {
  if (message.contains('\0')) return malformed("SCRAM with NUL");
  return step(message, GSASL_OK);
}

Result<std::string> ScramExchange::step(const std::string& message, int expected) {
  char* output = nullptr;
  std::size_t size = 0;
  const int result = gsasl_step(session_.get(), message.data(), message.size(), &output, &size);
  std::string answer(output == nullptr ? "" : output, output == nullptr ? 0 : size);
  gsasl_free(output);
  if (result == expected) return answer;
  if (result == GSASL_MALLOC_ERROR) return fail(Fault::local_error, "out of memory");
  const bool is_grammar = result == GSASL_MECHANISM_PARSE_ERROR || result == GSASL_BASE64_ERROR;
  return fail(is_grammar ? Fault::auth_malformed : Fault::auth_failed, gsasl_strerror(result));
}

Result<config::ScramKeys> make_scram_keys(const std::string& password) {
  return make_scram_keys(password, random_octets(kSaltOctets), kScramIterations);
}

Result<config::ScramKeys> make_scram_keys(const std::string& password, const std::string& salt,
                                          std::uint32_t iterations) {
  Secrets secrets;
  if (password.contains('\0') || !derive(password, salt, iterations, secrets)) {
    return fail(Fault::bad_parameter, "SCRAM can't use this password (RFC 4013)");
  }
  return config::ScramKeys{.iterations = iterations,
                           .salt = smtp::encode_base64(salt),
                           .stored_key = base64(secrets.stored),
                           .server_key = base64(secrets.server)};
}

// Printable, because libgsasl takes text for the key of its HMAC.
UnknownUsers::UnknownUsers() : secret_(smtp::encode_base64(random_octets(kKeyOctets))) {}

config::ScramKeys UnknownUsers::keys_of(const std::string& user,
                                        const config::ScramKeys& like) const {
  Secrets secrets;
  // One iteration of PBKDF2 is the HMAC of what it calls the salt.
  if (!derive(secret_, user, 1, secrets)) throw std::bad_alloc();
  const auto salt = smtp::decode_base64(like.salt);
  const std::size_t size = std::min(salt ? salt->size() : kSaltOctets, secrets.salted.size());
  return {.iterations = like.iterations,
          .salt = smtp::encode_base64({secrets.salted.data(), size}),
          .stored_key = base64(secrets.stored),
          .server_key = base64(secrets.server)};
}

}  // namespace signet::accept
