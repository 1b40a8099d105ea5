#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "keys/create_key.hpp"
#include "relay/accept/password.hpp"
#include "relay/accept/scram.hpp"
#include "relay/commands.hpp"
#include "relay/key_parts.hpp"

namespace signet::commands {
namespace {

int complain(const std::string& what) {
  std::fprintf(stderr, "signet: %s\n", what.c_str());
  return 2;
}

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
  std::filesystem::path store = options.store;
  if (store.empty()) {
    const auto settings = load_or_complain(options.config);
    if (!settings) return 2;
    store = settings->store;
  }
  const auto domain = Domain::parse(options.domain);
  if (!domain) return complain("'" + options.domain + "' is not a domain name");
  if (options.algorithm != "rsa" && options.algorithm != "ed25519")
    return complain("--algorithm is rsa or ed25519");
  const auto algorithm =
      options.algorithm == "rsa" ? keys::Algorithm::rsa : keys::Algorithm::ed25519;
  const auto key =
      keys::create_key({.directory = store, .allow_group = true}, *domain, options.selector,
                       algorithm, {.at = SystemClock().now(), .reason = "new", .by = who()});
  if (!key) return complain(key.error().detail);
  const std::string record = key->key.dns_record();
  const std::string zone = keys::zone_line(key->selector, domain->text(), record);
  if (options.json) {
    std::printf("%s\n", nlohmann::json{{"domain", domain->text()},
                                       {"selector", key->selector},
                                       {"algorithm", keys::name_of(key->key.algorithm())},
                                       {"name", key->selector + "._domainkey." + domain->text()},
                                       {"record", record},
                                       {"zone", zone}}
                            .dump()
                            .c_str());
  } else {
    std::printf("%s\n", zone.c_str());
    std::fprintf(stderr, "Publish this record, then mail from %s is signed with selector %s.\n",
                 domain->text().c_str(), key->selector.c_str());
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
