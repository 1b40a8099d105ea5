#include <cstdio>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "keys/domain_store.hpp"
#include "relay/base/clock.hpp"
#include "relay/commands.hpp"
#include "relay/net/resolver.hpp"
#include "relay/parse/parsed.hpp"
#include "relay/rotation_parts.hpp"
#include "relay/services.hpp"
#include "relay/sign/plan.hpp"
#include "relay/sign/signer.hpp"
#include "relay/sign/verifier.hpp"
#include "relay/spool/spool.hpp"

namespace signet::commands {
namespace {

int complain(const Error& error) {
  std::fprintf(stderr, "signet: %s%s%s\n", error.public_text().c_str(),
               error.detail.empty() ? "" : ": ", error.detail.c_str());
  return 1;
}

/// Standard input with line ends as CRLF.
std::string read_message() {
  const std::string raw((std::istreambuf_iterator<char>(std::cin)),
                        std::istreambuf_iterator<char>());
  std::string message;
  message.reserve(raw.size() + raw.size() / 32);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\n' && (i == 0 || raw[i - 1] != '\r')) message += '\r';
    message += raw[i];
  }
  return message;
}

struct Parts {
  std::string header;
  std::string body;
};

Parts split(const std::string& message) {
  if (message.starts_with("\r\n")) return {"", message.substr(2)};
  const std::size_t end = message.find("\r\n\r\n");
  if (end == std::string::npos) return {message, ""};
  return {message.substr(0, end + 2), message.substr(end + 4)};
}

Result<std::shared_ptr<const keys::SigningDomain>> keys_for(const config::Settings& settings,
                                                            const Domain& author) {
  auto found =
      keys::read_domain(settings.store, author, settings.store_allow_group, SystemClock().now());
  const auto parent = settings.signing.parents.find(author);
  if (!found && found.error().fault == Fault::not_found &&
      parent != settings.signing.parents.end()) {
    found = keys::read_domain(settings.store, parent->second, settings.store_allow_group,
                              SystemClock().now());
  }
  return found;
}

Result<std::string> sign_message(const config::Settings& settings, const std::string& message) {
  Parts parts = split(message);
  auto header = parse::MessageHeader::parse(std::move(parts.header), {});
  if (!header) return header.failure();
  const auto author = parse::find_author(*header);
  if (!author) return author.failure();
  auto domain = keys_for(settings, author->address.domain);
  if (!domain) return domain.failure();
  std::shared_ptr<const keys::SigningDomain> platform;
  if (settings.signing.platform_domain) {
    auto read = keys::read_domain(settings.store, *settings.signing.platform_domain,
                                  settings.store_allow_group, SystemClock().now());
    if (!read) return read.failure();
    platform = std::move(*read);
  }
  const auto signer = sign::make_opendkim_signer();
  if (!signer) return signer.failure();
  const sign::Plan plan = sign::make_plan({.author_domain = std::move(*domain),
                                           .platform_domain = std::move(platform),
                                           .default_profile = default_profile(settings.signing),
                                           .life = settings.signing.signature_life});
  auto signing = (*signer)->begin(plan, header->block(), SystemClock().now());
  if (!signing) return signing.failure();
  const auto hashed = (*signing)->body(parts.body);
  if (!hashed) return hashed.failure();
  auto signatures = (*signing)->finish();
  if (!signatures) return signatures.failure();
  return signatures->fields + header->block() + "\r\n" + parts.body;
}

std::string_view word(sign::SignatureResult result) {
  switch (result) {
    case sign::SignatureResult::pass:
      return "pass";
    case sign::SignatureResult::fail:
      return "fail";
    case sign::SignatureResult::temperror:
      return "temperror";
    case sign::SignatureResult::permerror:
      break;
  }
  return "permerror";
}

/// Asks the resolver and waits, on a loop of its own.
class BlockingLookup {
 public:
  explicit BlockingLookup(net::Resolver& resolver) : resolver_(resolver) {}
  Result<std::string> operator()(const std::string& name) {
    Result<std::string> answer = fail(Fault::dns_temporary);
    net::Loop loop;
    net::TaskScope scope;
    scope.spawn(ask(loop, name, answer));
    if (scope.size() > 0) loop.run();
    return answer;
  }

 private:
  net::Task<void> ask(net::Loop& loop, std::string name, Result<std::string>& into) {
    auto answer = co_await resolver_.resolve(loop, std::move(name), net::RecordType::txt);
    if (!answer) {
      into = answer.failure();
    } else if (answer->records.empty()) {
      into = fail(Fault::not_found, "no key record");
    } else {
      const auto text = net::decode_txt(answer->records.front());
      into = text ? Result<std::string>(*text)
                  : Result<std::string>(fail(Fault::bad_parameter, "malformed TXT record"));
    }
    loop.stop();
  }
  net::Resolver& resolver_;
};

/// Why no key of the domain can be rotated; empty: they can, or are not to be.
std::string what_bars_rotation(keys::Rotator& rotator, const Domain& domain) {
  const auto report = rotator.look(domain);
  return report ? report->barred : std::string();
}

}  // namespace

int sign(const std::filesystem::path& config) {
  const auto settings = load_or_complain(config);
  if (!settings) return 2;
  const auto signed_message = sign_message(*settings, read_message());
  if (!signed_message) return complain(signed_message.error());
  std::fwrite(signed_message->data(), 1, signed_message->size(), stdout);
  return 0;
}

int verify(const std::optional<Endpoint>& dns, bool json) {
  net::ResolverSettings settings;
  if (dns) {
    settings.mode = net::ResolverSettings::Mode::servers;
    settings.servers = {*dns};
  }
  const auto resolver = net::make_resolver(settings);
  if (!resolver) return complain(resolver.error()) + 1;
  BlockingLookup lookup(**resolver);
  const auto verdicts =
      sign::verify_message(read_message(), std::ref(lookup), unix_seconds(SystemClock().now()));
  bool all_pass = !verdicts.empty();
  auto list = nlohmann::json::array();
  for (const auto& verdict : verdicts) {
    all_pass = all_pass && verdict.result == sign::SignatureResult::pass;
    list.push_back({{"result", word(verdict.result)},
                    {"domain", verdict.domain},
                    {"selector", verdict.selector},
                    {"algorithm", verdict.algorithm},
                    {"reason", verdict.reason}});
    if (!json) {
      std::printf("%s d=%s s=%s a=%s%s%s\n", std::string(word(verdict.result)).c_str(),
                  verdict.domain.c_str(), verdict.selector.c_str(), verdict.algorithm.c_str(),
                  verdict.reason.empty() ? "" : " ", verdict.reason.c_str());
    }
  }
  if (json) std::printf("%s\n", list.dump().c_str());
  if (!json && verdicts.empty()) std::printf("none: the message has no DKIM-Signature field\n");
  return all_pass ? 0 : 1;
}

int check(const std::filesystem::path& config, bool all, bool json) {
  const auto settings = load_or_complain(config);
  if (!settings) return 2;
  const auto problems = complain_of_files(config, settings);
  constexpr std::size_t kSample = 20;
  SystemClock clock;
  net::BlockingPool pool(1);
  const keys::DomainStore store(
      {.directory = settings->store, .allow_group = settings->store_allow_group}, pool, clock);
  const auto domains = store.list();
  if (!domains) {
    std::fprintf(stderr, "%s: store: %s\n", config.c_str(), domains.error().detail.c_str());
    return 2;
  }
  RotationParts parts(*settings, "");
  keys::Rotator rotator(parts.options, *parts.publisher, parts.proof, clock);
  std::size_t signed_count = 0;
  auto failures = nlohmann::json::array();
  auto warnings = nlohmann::json::array();
  const auto probe = [&](const std::string& address) {
    const auto made =
        sign_message(*settings, "From: " + address + "\r\nSubject: probe\r\n\r\nprobe\r\n");
    if (made) return true;
    const std::string domain = address.substr(address.rfind('@') + 1);
    failures.push_back({{"domain", domain}, {"reason", made.error().detail}});
    if (!json) std::fprintf(stderr, "%s: %s\n", domain.c_str(), made.error().detail.c_str());
    return false;
  };
  for (const Domain& domain : *domains) {
    if (!all && signed_count + failures.size() == kSample) break;
    if (probe("probe@" + domain.text())) ++signed_count;
    const auto barred = what_bars_rotation(rotator, domain);
    if (barred.empty()) continue;
    warnings.push_back({{"domain", domain.text()}, {"reason", barred}});
    if (!json) std::fprintf(stderr, "warning: %s: %s\n", domain.text().c_str(), barred.c_str());
  }
  // Reports of ours go out signed or not at all.
  if (!settings->dsn.from.empty()) (void)probe(settings->dsn.from);
  const bool is_valid = failures.empty() && problems.empty();
  if (json) {
    std::printf("%s\n", nlohmann::json{{"valid", is_valid},
                                       {"domains", domains->size()},
                                       {"signed", signed_count},
                                       {"problems", problems},
                                       {"failures", failures},
                                       {"warnings", warnings}}
                            .dump()
                            .c_str());
  } else {
    std::printf("%s: %zu domains in the store, a probe signed for %zu\n",
                is_valid ? "valid" : "not valid", domains->size(), signed_count);
  }
  return is_valid ? 0 : 2;
}

int export_queue(const std::filesystem::path& config, const std::filesystem::path& spool,
                 const std::filesystem::path& target) {
  std::filesystem::path source = spool;
  if (source.empty()) {
    const auto settings = load_or_complain(config);
    if (!settings) return 2;
    source = settings->spool;
  }
  bool complete = true;
  const auto count = spool::export_all(source, target, [&](const std::string& what) {
    complete = false;
    std::fprintf(stderr, "signet: %s\n", what.c_str());
  });
  if (!count) {
    std::fprintf(stderr, "signet: nothing exported: %s\n", count.error().detail.c_str());
    return 2;
  }
  std::printf("%llu messages exported to %s\n", static_cast<unsigned long long>(*count),
              target.c_str());
  return complete ? 0 : 1;
}

}  // namespace signet::commands
