#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "keys/create_key.hpp"
#include "keys/rotator.hpp"
#include "relay/accept/password.hpp"
#include "relay/accept/scram.hpp"
#include "relay/commands.hpp"
#include "relay/key_parts.hpp"
#include "relay/rotation_parts.hpp"

namespace signet::commands {
namespace {

int complain(const std::string& what) {
  std::fprintf(stderr, "signet: %s\n", what.c_str());
  return 2;
}

int refuse(const std::string& what) { return complain_of({Fault::bad_parameter, what}); }

/// A line from the terminal without echo, or from standard input.
std::string ask_password() {
  termios before{};
  const bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
  if (terminal) {
    std::fputs("Password: ", stderr);
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  std::string password;
  std::getline(std::cin, password);
  if (terminal) {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::fputc('\n', stderr);
  }
  return password;
}

}  // namespace

int new_key(const NewKeyOptions& options) {
  const auto settings = key_settings(options.config, options.store);
  if (!settings) return kKeysBroken;
  const auto domain = Domain::parse(options.domain);
  if (!domain) return refuse("'" + options.domain + "' is not a domain name");
  if (options.algorithm != "rsa" && options.algorithm != "ed25519")
    return refuse("--algorithm is rsa or ed25519");
  const auto algorithm =
      options.algorithm == "rsa" ? keys::Algorithm::rsa : keys::Algorithm::ed25519;
  const keys::Note note{.at = SystemClock().now(), .reason = "new", .by = who()};
  const auto key =
      keys::create_key(store_access(*settings), *domain, options.selector, algorithm, note);
  if (!key) return complain_of(key.error());
  if (key->is_new) KeyAudit(*settings).moved(*domain, key->entry, key->entry.state);
  const std::string record = key->key.dns_record();
  const auto name = keys::record_name(*domain, key->selector);
  const std::string zone = keys::txt_line(key->place, record);
  if (options.json) {
    std::printf("%s\n", nlohmann::json{{"domain", domain->text()},
                                       {"selector", key->selector},
                                       {"algorithm", keys::name_of(key->key.algorithm())},
                                       {"name", name},
                                       {"published_at", key->place},
                                       {"record", record},
                                       {"zone", zone}}
                            .dump()
                            .c_str());
  } else {
    if (key->place != name) std::printf("%s. IN CNAME %s.\n", name.c_str(), key->place.c_str());
    std::printf("%s\n", zone.c_str());
    if (key->entry.state == keys::KeyState::active) {
      std::fprintf(stderr, "Publish this record: mail from %s is signed with selector %s.\n",
                   domain->text().c_str(), key->selector.c_str());
    } else {
      std::fprintf(
          stderr,
          "Publish this record. The key does not sign yet: a relay with [rotation] takes it "
          "when the DNS proves it, or 'signet keys activate %s %s'.\n",
          domain->text().c_str(), key->selector.c_str());
    }
  }
  return 0;
}

int new_user(const std::string& name, bool json) {
  const bool is_name = !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '\\';
  });
  if (!is_name)
    return complain("a name is 1 to 64 printable ASCII characters, without a space, \" and \\");
  const std::string password = ask_password();
  const auto hash = accept::make_password_hash(password);
  if (!hash) return complain(hash.error().detail);
  const auto keys = accept::make_scram_keys(password);
  if (!keys) return complain(keys.error().detail);
  const std::string scram = config::to_string(*keys);
  if (json) {
    std::printf(
        "%s\n",
        nlohmann::json{{"name", name}, {"password", *hash}, {"scram", scram}}.dump().c_str());
  } else {
    std::printf("[[user]]\nname = \"%s\"\npassword = \"%s\"\nscram = \"%s\"\n", name.c_str(),
                hash->c_str(), scram.c_str());
  }
  return 0;
}

}  // namespace signet::commands
