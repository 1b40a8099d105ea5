#include "relay/snapshot.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "config/reader.hpp"
#include "keys/secret_file.hpp"

namespace signet {
namespace {

Result<std::shared_ptr<const net::ServerTls>> load_server_tls(const config::TlsSettings& tls) {
  if (tls.certificates.empty()) return std::shared_ptr<const net::ServerTls>{};
  std::vector<net::CertificateFiles> files;
  files.reserve(tls.certificates.size());
  for (const auto& pair : tls.certificates) files.push_back({pair.certificate, pair.key});
  return net::ServerTls::load(files, tls.client_ca);
}

Result<std::shared_ptr<const admin::Tokens>> load_tokens(const std::filesystem::path& file) {
  if (file.empty()) return std::shared_ptr<const admin::Tokens>{};
  auto tokens = admin::Tokens::load(file);
  if (!tokens) return fail(Fault::configuration, "tokens of [admin]: " + tokens.error().detail);
  return std::make_shared<const admin::Tokens>(std::move(*tokens));
}

/// The Authorization field for the token in `file` (RFC 6750 2.1); empty without a file.
Result<std::string> bearer_field(const std::filesystem::path& file) {
  if (file.empty()) return std::string();
  const auto read = keys::read_group_secret(file);
  if (!read)
    return fail(Fault::configuration, "token " + file.string() + ": " + read.error().detail);
  std::string_view token = read->view();
  while (token.ends_with('\n') || token.ends_with('\r')) token.remove_suffix(1);
  const std::string field = "Bearer " + std::string(token);
  if (admin::bearer_token(field) != token)
    return fail(Fault::configuration, "token " + file.string() + " does not hold one token");
  return field;
}

Result<std::shared_ptr<const report::WebhookTarget>> load_webhook(
    const config::WebhookSettings& settings) {
  if (settings.url.empty()) return std::shared_ptr<const report::WebhookTarget>{};
  const auto wrong = [](const std::string& what) {
    return fail(Fault::configuration, "[webhook]: " + what);
  };
  auto url = net::HttpUrl::parse(settings.url);
  if (!url) return wrong(url.error().detail);
  auto field = bearer_field(settings.token);
  if (!field) return wrong(field.error().detail);
  if (!field->empty() && !url->tls && !url->is_loopback())
    return wrong("the token would travel in clear: use https");
  auto target = std::make_shared<report::WebhookTarget>();
  if (url->tls) {
    auto tls = net::ClientTls::load(settings.ca);
    if (!tls) return wrong(tls.error().detail);
    target->tls = std::move(*tls);
  }
  target->url = std::move(*url);
  target->authorization = std::move(*field);
  target->format = static_cast<report::WebhookTarget::Format>(settings.format);
  target->batch_events = settings.batch_events;
  target->batch_time = settings.batch_time;
  target->timeout = settings.timeout;
  target->buffer_bytes = settings.buffer_bytes;
  return std::shared_ptr<const report::WebhookTarget>(std::move(target));
}

/// Why `file` can't be read; empty: it can.
std::string why_unreadable(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const int error = errno;
  if (descriptor < 0) return std::strerror(error);
  ::close(descriptor);
  return std::filesystem::is_directory(file) ? "is a directory" : "";
}

}  // namespace

Result<Snapshot> make_snapshot(std::shared_ptr<const config::Settings> settings) {
  auto server = load_server_tls(settings->tls);
  if (!server) return server.failure();
  auto client = net::ClientTls::load(settings->outbound_ca);
  if (!client) return client.failure();
  auto tokens = load_tokens(settings->admin.tokens);
  if (!tokens) return tokens.failure();
  auto webhook = load_webhook(settings->webhook);
  if (!webhook) return webhook.failure();
  return Snapshot{std::move(settings), std::move(*server), std::move(*client), std::move(*tokens),
                  std::move(*webhook)};
}

namespace {

std::string words_of(const std::vector<config::Problem>& problems) {
  if (problems.empty()) return "the new configuration can't be read";
  const std::size_t more = problems.size() - 1;
  return problems.front().to_string() +
         (more == 0 ? "" : " (and " + std::to_string(more) + " more: see the log)");
}

}  // namespace

Result<Snapshot> load_snapshot(const std::filesystem::path& file,
                               const config::Settings& at_start) {
  auto loaded = config::load(file);
  for (const auto& problem : loaded.problems) spdlog::error("reload: {}", problem.to_string());
  if (!loaded.settings) return fail(Fault::configuration, words_of(loaded.problems));
  const auto speaks_tls = std::ranges::find_if(at_start.listeners, [](const auto& listener) {
    return listener.tls != config::ListenerTls::none;
  });
  if (speaks_tls != at_start.listeners.end() && loaded.settings->tls.certificates.empty()) {
    return fail(Fault::configuration, needs_certificate(speaks_tls->name));
  }
  return make_snapshot(std::move(loaded.settings));
}

std::string needs_certificate(std::string_view listener) {
  return "[tls] has no certificate, and listener " + std::string(listener) +
         " needs one until a restart";
}

std::vector<std::string> fixed_at_start(const config::Settings& at_start,
                                        const config::Settings& now) {
  std::vector<std::string> names;
  const auto compare = [&](const char* name, const auto& before, const auto& after) {
    if (!(before == after)) names.emplace_back(name);
  };
  compare("store", at_start.store, now.store);
  compare("store_allow_group", at_start.store_allow_group, now.store_allow_group);
  compare("spool", at_start.spool, now.spool);
  compare("loops", at_start.loops, now.loops);
  compare("allow_private_mx", at_start.allow_private_mx, now.allow_private_mx);
  compare("listen", at_start.listeners, now.listeners);
  compare("limits.min_free_bytes", at_start.limits.min_free_bytes, now.limits.min_free_bytes);
  compare("limits.min_free_share", at_start.limits.min_free_share, now.limits.min_free_share);
  compare("resolver", at_start.resolver, now.resolver);
  compare("rotation", at_start.rotation, now.rotation);
  compare("audit", at_start.audit, now.audit);
  compare("monitoring", at_start.monitoring, now.monitoring);
  compare("admin.listen", at_start.admin.listen, now.admin.listen);
  return names;
}

bool is_fixed_at_start(std::string_view setting) {
  constexpr std::array kWhole{"store",
                              "store_allow_group",
                              "spool",
                              "loops",
                              "allow_private_mx",
                              "limits.min_free_bytes",
                              "limits.min_free_share",
                              "admin.listen"};
  constexpr std::array kSections{"listen ", "resolver.", "rotation.", "audit.", "monitoring."};
  return std::ranges::find(kWhole, setting) != kWhole.end() ||
         std::ranges::any_of(kSections,
                             [&](const char* section) { return setting.starts_with(section); });
}

std::vector<std::string> unusable_files(std::shared_ptr<const config::Settings> settings) {
  std::vector<std::string> problems;
  const auto need = [&](const char* what, const std::filesystem::path& file) {
    if (file.empty()) return;
    if (const auto why = why_unreadable(file); !why.empty()) {
      problems.push_back(std::string(what) + " " + file.string() + ": " + why);
    }
  };
  need("trust_anchor", settings->resolver.trust_anchor);
  need("root_hints", settings->resolver.root_hints);
  need("rotation.key_file", settings->rotation.key_file);
  for (const auto& route : settings->routes) {
    const auto& file = route.password_file;
    if (file.empty()) continue;
    const auto read = keys::read_group_secret(file);
    if (!read) problems.push_back("password_file " + file.string() + ": " + read.error().detail);
  }
  const auto snapshot = make_snapshot(std::move(settings));
  if (!snapshot) problems.push_back(snapshot.error().detail);
  return problems;
}

}  // namespace signet
