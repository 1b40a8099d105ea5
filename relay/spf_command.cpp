#include <cstdio>
#include <nlohmann/json.hpp>

#include "relay/align/spf.hpp"
#include "relay/commands.hpp"

namespace signet::commands {
namespace {

struct Answer {
  align::SpfResult result;
  std::string explanation;
};

Result<align::SpfQuestion> read_question(const SpfOptions& options) {
  const auto address = IpAddress::parse(options.ip);
  if (!address) return fail(Fault::bad_parameter, "--ip: not an IP address: " + options.ip);
  if (options.helo.empty()) return fail(Fault::bad_parameter, "--helo: empty");
  align::SpfQuestion question{*address, "postmaster", options.helo, options.helo};
  std::string_view sender = options.mail_from;
  if (sender.starts_with('<') && sender.ends_with('>'))
    sender = sender.substr(1, sender.size() - 2);
  if (sender.empty()) return question;
  const std::size_t at = sender.rfind('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == sender.size()) {
    return fail(Fault::bad_parameter, "--mail-from: not LOCAL@DOMAIN: " + options.mail_from);
  }
  question.sender_local = sender.substr(0, at);
  question.sender_domain = sender.substr(at + 1);
  return question;
}

Result<net::ResolverSettings> read_resolver(const std::string& dns) {
  net::ResolverSettings settings;
  if (dns.empty()) return settings;
  const auto endpoint = Endpoint::parse(dns);
  if (!endpoint) return fail(Fault::bad_parameter, "--dns: not ADDRESS:PORT: " + dns);
  settings.mode = net::ResolverSettings::Mode::servers;
  settings.servers = {*endpoint};
  return settings;
}

net::Task<void> answer(net::Resolver& resolver, net::Loop& loop, align::SpfQuestion question,
                       bool with_explanation, Answer& made) {
  const align::SpfLimits limits;
  made.result = co_await align::check_host(resolver, loop, question, limits);
  if (with_explanation) {
    made.explanation = co_await align::explain(resolver, loop, question, made.result, limits);
  }
  loop.stop();
}

std::string joined(const std::vector<std::string>& chain) {
  std::string text;
  for (const std::string& domain : chain) text += (text.empty() ? "" : " > ") + domain;
  return text;
}

void print_json(const Answer& answer, bool explain) {
  const auto& result = answer.result;
  nlohmann::json printed{{"result", align::name_of(result.outcome)},
                         {"reason", result.reason},
                         {"term", result.term},
                         {"chain", result.chain},
                         {"lookups", result.lookups},
                         {"void_lookups", result.void_lookups},
                         {"ttl", result.ttl.count()}};
  if (explain) printed["explanation"] = answer.explanation;
  const auto text = printed.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::printf("%s\n", text.c_str());
}

void print_text(const Answer& answer, bool explain) {
  const auto& result = answer.result;
  std::printf("%s %s\n", std::string(align::name_of(result.outcome)).c_str(),
              result.reason.c_str());
  if (!explain) return;
  const align::SpfLimits limits;
  std::printf("term: %s\n", result.term.empty() ? "(none)" : result.term.c_str());
  std::printf("chain: %s\n", joined(result.chain).c_str());
  std::printf("lookups: %u of %u\n", result.lookups, limits.lookups);
  std::printf("void lookups: %u of %u\n", result.void_lookups, limits.void_lookups);
  std::printf("ttl: %lld s\n", static_cast<long long>(result.ttl.count()));
  if (!answer.explanation.empty()) std::printf("explanation: %s\n", answer.explanation.c_str());
}

int complain(const Error& error) {
  std::fprintf(stderr, "signet: %s\n", error.detail.c_str());
  return 2;
}

}  // namespace

int spf(const SpfOptions& options) {
  auto question = read_question(options);
  if (!question) return complain(question.error());
  const auto settings = read_resolver(options.dns);
  if (!settings) return complain(settings.error());
  net::Loop loop;
  const auto resolver = net::make_resolver(*settings);
  if (!resolver) return complain(resolver.error());
  Answer made;
  net::TaskScope scope;
  scope.spawn(answer(**resolver, loop, std::move(*question), options.explain, made));
  loop.run();
  options.json ? print_json(made, options.explain) : print_text(made, options.explain);
  return made.result.outcome == align::SpfOutcome::pass ? 0 : 1;
}

}  // namespace signet::commands
