// [[client]] and [rewrite]: who may send as whom.
#include <pwd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <fstream>

#include "config/sections.hpp"

namespace signet::config {
namespace {

constexpr std::string_view kADomain = "a domain name, such as \"example.com\"";

/// SHA-256 in hex, with or without colons; lower case without them.
Result<std::string> parse_fingerprint(std::string_view text) {
  std::string hex;
  for (const char c : text) {
    if (c == ':') continue;
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return fail(Fault::bad_parameter);
    hex += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (hex.size() != 64) return fail(Fault::bad_parameter);
  return hex;
}

/// One domain a line; what follows '#' is a comment.
void read_domain_file(Section& table, const std::filesystem::path& file, std::set<Domain>& into) {
  std::ifstream lines(file);
  if (!lines) return table.problem("file", "can't be read: " + file.string());
  unsigned number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    line.resize(std::min(line.size(), line.find('#')));
    constexpr std::string_view kBlank = " \t\r";
    const auto first = line.find_first_not_of(kBlank);
    if (first == std::string::npos) continue;
    line = line.substr(first, line.find_last_not_of(kBlank) - first + 1);
    auto domain = Domain::parse(line);
    if (!domain) {
      return table.problem("file", "holds \"" + line + "\", which is no domain name: " +
                                       file.string() + ":" + std::to_string(number));
    }
    into.insert(std::move(*domain));
  }
}

void read_domains(Section& client, ClientSettings& into) {
  const Value* value = client.take("domains");
  if (value == nullptr) return;
  if (std::holds_alternative<Array>(value->of)) {
    return client.list<Domain>("domains", &Domain::parse, kADomain,
                               [&](Domain one, Position) { into.domains.insert(std::move(one)); });
  }
  if (std::holds_alternative<Table>(value->of)) {
    return client.table("domains", [&](Section& table) {
      std::filesystem::path file;
      table.require("file");
      table.path("file", file);
      if (!file.empty()) read_domain_file(table, file, into.domains);
    });
  }
  const auto* text = std::get_if<std::string>(&value->of);
  into.all_domains = text != nullptr && *text == "all";
  if (!into.all_domains) {
    client.problem("domains", "must be an array of domains, \"all\" or { file = \"…\" }");
  }
}

void read_repairs(Section& client, RepairSettings& into) {
  client.texts("repair", [&](const std::string& text, Position at) {
    if (text == "long_lines") {
      into.long_lines = true;
    } else if (text == "eight_bit_header") {
      into.eight_bit_header = true;
    } else if (text == "bare_lf") {
      into.bare_lf = true;
    } else {
      client.problem_at(at, "repair", "is of: long_lines, eight_bit_header, bare_lf");
    }
  });
}

void read_networks(Section& client, ClientSettings& into, const Settings& settings) {
  client.list<IpNetwork>(
      "networks", &IpNetwork::parse, kANetwork, [&](const IpNetwork& network, Position at) {
        for (const ClientSettings& other : settings.clients) {
          if (std::count(other.networks.begin(), other.networks.end(), network) == 0) continue;
          client.problem_at(at, "networks",
                            "holds " + network.to_string() + ", as client '" + other.name +
                                "' does: one address is one client");
        }
        if (network.prefix == 0) {
          client.reading().warning(at, "'networks' in [[client]] holds " + network.to_string() +
                                           ": everybody may send as this client's domains");
        }
        into.networks.push_back(network);
      });
}

void read_client_users(Section& client, ClientSettings& into, const Settings& settings) {
  client.texts("users", [&](const std::string& user, Position at) {
    const auto is_it = [&](const UserSettings& known) { return known.name == user; };
    if (std::none_of(settings.users.begin(), settings.users.end(), is_it)) {
      client.problem_at(at, "users", "names '" + user + "', and no [[user]] has that name");
    }
    for (const ClientSettings& other : settings.clients) {
      if (!other.users.contains(user)) continue;
      client.problem_at(at, "users", "holds '" + user + "', as client '" + other.name + "' does");
    }
    into.users.insert(user);
  });
}

std::optional<std::uint32_t> uid_of(const std::string& user) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(user.data(), user.data() + user.size(), number);
  if (error == std::errc{} && end == user.data() + user.size()) return number;
  std::array<char, 16384> room{};
  passwd entry{};
  passwd* found = nullptr;
  getpwnam_r(user.c_str(), &entry, room.data(), room.size(), &found);
  if (found == nullptr) return std::nullopt;
  return found->pw_uid;
}

void read_unix_users(Section& client, ClientSettings& into, const Settings& settings) {
  const Value* value = client.take("unix_users");
  if (value == nullptr) return;
  for (const ClientSettings& other : settings.clients) {
    if (other.all_unix_users) {
      client.problem("unix_users", "is \"all\" for client '" + other.name + "' already");
    }
  }
  if (const auto* text = std::get_if<std::string>(&value->of); text != nullptr && *text == "all") {
    into.all_unix_users = true;
    return;
  }
  client.texts("unix_users", [&](const std::string& user, Position at) {
    const auto uid = uid_of(user);
    if (!uid) {
      return client.problem_at(at, "unix_users", "names '" + user + "', whom this machine lacks");
    }
    for (const ClientSettings& other : settings.clients) {
      if (!other.unix_users.contains(*uid)) continue;
      client.problem_at(at, "unix_users", "holds '" + user + "', as client '" + other.name + "'");
    }
    into.unix_users.insert(*uid);
  });
}

void read_certificate_names(Section& client, ClientSettings& into, const Settings& settings) {
  client.texts("certificate_names", [&](const std::string& name, Position at) {
    std::string lower = name;
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    for (const ClientSettings& other : settings.clients) {
      if (!other.certificate_names.contains(lower)) continue;
      client.problem_at(at, "certificate_names",
                        "holds '" + name + "', as client '" + other.name + "' does");
    }
    into.certificate_names.insert(std::move(lower));
  });
  if (!into.certificate_names.empty() && settings.tls.client_ca.empty()) {
    client.problem("certificate_names",
                   "needs 'client_ca' in [tls]: without it anybody can make a certificate");
  }
}

void check_client(Section& client, const ClientSettings& one) {
  const auto is_empty = [&](std::string_view key) {
    const Value* value = client.take(key);
    const auto* array = value == nullptr ? nullptr : std::get_if<Array>(&value->of);
    return value == nullptr || (array != nullptr && array->empty());
  };
  constexpr std::array kCredentials{"networks", "users", "certificates", "certificate_names",
                                    "unix_users"};
  if (!one.all_unix_users && std::ranges::all_of(kCredentials, is_empty)) {
    client.problem("name",
                   "is a client nobody can be: set 'networks', 'users', 'certificates', "
                   "'certificate_names' or 'unix_users'");
  }
  if (one.repair.bare_lf && one.networks.empty()) {
    client.problem("repair", "allows bare_lf only for trusted networks: set 'networks'");
  }
  if (!client.has("domains") && one.foreign_from == ForeignFrom::refuse) {
    client.reading().warning(client.where("name"),
                             "client '" + one.name + "' may send as no domain: set 'domains'");
  }
}

void read_client(Section& client, Settings& settings) {
  ClientSettings one;
  client.require("name");
  client.text("name", one.name);
  if (client.has("name")) client.reading().take_name("client", one.name, client.where("name"));
  read_networks(client, one, settings);
  read_client_users(client, one, settings);
  client.list<std::string>(
      "certificates", &parse_fingerprint, "a SHA-256 fingerprint in hex",
      [&](std::string hex, Position) { one.certificates.insert(std::move(hex)); });
  read_certificate_names(client, one, settings);
  read_unix_users(client, one, settings);
  read_domains(client, one);
  read_pool_name(client, one.pool);
  client.count("messages_per_hour", one.messages_per_hour);
  client.count("recipients_per_hour", one.recipients_per_hour);
  client.count("connections", one.connections);
  using enum ForeignFrom;
  client.choice(
      "foreign_from", one.foreign_from,
      {{"refuse", refuse}, {"relay", relay}, {"relay_and_sign_platform", relay_and_sign_platform}});
  read_repairs(client, one.repair);
  client.flag("allow_unsigned", one.allow_unsigned);
  if (client.has("alignment")) {
    one.alignment = read_alignment_policy(client, "alignment", AlignmentPolicy::automatic);
  }
  check_client(client, one);
  if (one.foreign_from == relay_and_sign_platform) {
    client.reading().check_later([&reading = client.reading(),
                                  where = client.where("foreign_from")](const Settings& all) {
      if (all.signing.platform_domain) return;
      reading.problem(where, "'foreign_from' in [[client]] needs 'platform_domain' in [signing]");
    });
  }
  settings.clients.push_back(std::move(one));
}

void read_rewrite(Section& root, const Entry& entry, Settings& settings) {
  const auto* text = std::get_if<std::string>(&entry.value.of);
  const bool is_suffix = entry.key.starts_with('.');
  const auto match = Domain::parse(std::string_view(entry.key).substr(is_suffix ? 1 : 0));
  auto domain = Domain::parse(text == nullptr ? "" : *text);
  if (!match || !domain) {
    return root.problem_at(entry.where, "rewrite",
                           "needs \"host.name\" or \".suffix\" = \"domain.name\"");
  }
  const std::string written = (is_suffix ? "." : "") + match->text();
  settings.rewrites.push_back({written, is_suffix, std::move(*domain)});
}

}  // namespace

void read_clients(Section& root, Settings& settings) {
  root.tables("client", "[[client]]", [&](Section& client) { read_client(client, settings); });
  if (settings.clients.empty()) {
    root.reading().warning({}, "there is no [[client]]: nobody can send");
  }
}

void read_rewrites(Section& root, Settings& settings) {
  root.entries("rewrite", [&](const Entry& entry) { read_rewrite(root, entry, settings); });
}

}  // namespace signet::config
