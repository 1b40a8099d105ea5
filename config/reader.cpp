#include "config/reader.hpp"

#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>

#include "config/sections.hpp"

namespace signet::config {
namespace {

void read_hostname(Section& root, Settings& settings) {
  std::optional<Domain> hostname;
  root.domain("hostname", hostname);
  if (hostname) {
    settings.hostname = hostname->text();
    return;
  }
  if (root.has("hostname")) return;
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  const auto own = Domain::parse(name.data());
  if (!own) {
    return root.reading().problem({},
                                  std::string("this machine's name, '") + name.data() +
                                      "', is no domain name: set hostname = \"mx1.example.com\"");
  }
  settings.hostname = own->text();
}

void read_top(Section& root, Settings& settings) {
  read_hostname(root, settings);
  root.require("store");
  root.path("store", settings.store);
  root.flag("store_allow_group", settings.store_allow_group);
  root.require("spool");
  root.path("spool", settings.spool);
  root.count("loops", settings.loops, 0U, 1024U);
  root.flag("allow_private_mx", settings.allow_private_mx);
}

}  // namespace

void read_settings(Reading& reading, const Table& document, Settings& settings) {
  Section root(reading, document, {}, "", "");
  read_top(root, settings);
  read_tls(root, settings);
  read_users(root, settings);
  read_listeners(root, settings);
  read_clients(root, settings);
  read_rewrites(root, settings);
  read_pools(root, settings);
  read_routes(root, settings);
  read_signing(root, settings);
  read_alignment(root, settings);
  read_clock(root, settings);
  read_dsn(root, settings);
  read_limits(root, settings);
  read_timeouts(root, settings);
  read_queue(root, settings);
  read_resolver(root, settings);
  read_monitoring(root, settings);
  read_webhook(root, settings);
  read_rotation(root, settings);
  read_admin(root, settings);
  read_audit(root, settings);
  read_reload(root, settings);
  root.refuse_unknown();
  reading.run_checks(settings);
}

Loaded load_text(std::string_view text, const std::string& file_name) {
  Reading reading(file_name);
  const Parsed parsed = parse_document(text);
  auto settings = std::make_shared<Settings>();
  if (parsed.error.empty()) {
    read_settings(reading, parsed.root, *settings);
  } else {
    reading.problem(parsed.error_at, parsed.error);
  }
  Loaded loaded = std::move(reading).finish();
  if (loaded.problems.empty()) loaded.settings = std::move(settings);
  return loaded;
}

Loaded load(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (in && !in.bad() && !std::filesystem::is_directory(file)) {
    return load_text(text.view(), file.string());
  }
  return {nullptr, {{file.string(), "can't be read: is the path right, and may we read it?"}}, {}};
}

}  // namespace signet::config
