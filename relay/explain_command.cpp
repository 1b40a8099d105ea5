// `signet explain --from … --to …`: the fate of a message nobody has sent, without a running relay.
#include <cstdio>

#include "relay/commands.hpp"
#include "relay/explainer.hpp"
#include "relay/resolver_settings.hpp"

namespace signet::commands {
namespace {

int complain(const std::string& words, int status) {
  std::fprintf(stderr, "signet explain: %s\n", words.c_str());
  return status;
}

net::Task<void> ask(Explainer& explainer, std::shared_ptr<const config::Settings> settings,
                    admin::Hypothesis asked, net::Loop& loop, Result<nlohmann::json>& answer) {
  answer = co_await explainer.explain(std::move(settings), std::move(asked));
  loop.stop();
}

}  // namespace

int explain(const ExplainOptions& options) {
  const auto settings = load_or_complain(options.config);
  if (!settings) return 2;
  const SystemClock clock;
  net::Loop loop;
  net::BlockingPool pool(1);
  const auto resolver = net::make_resolver(to_resolver_settings(settings->resolver));
  if (!resolver) return complain(resolver.error().detail, 2);
  keys::DomainStore domains(
      {.directory = settings->store, .allow_group = settings->store_allow_group}, pool, clock);
  const align::PublicSuffixes suffixes;
  route::Router router(**resolver, settings->allow_private_mx);
  for (const auto& listener : settings->listeners) {
    if (listener.socket.empty()) router.add_own_endpoint(listener.address);
  }
  Explainer explainer({clock, loop, domains, **resolver, suffixes, router});
  Result<nlohmann::json> answer = fail(Fault::cancelled);
  {
    net::TaskScope scope;
    scope.spawn(ask(explainer, settings, options.asked, loop, answer));
    loop.run();
  }
  explainer.clear();
  if (!answer) return complain(answer.error().public_text(), 64);
  const std::string text =
      options.json ? answer->dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
                   : admin::explanation_text(*answer);
  std::fputs(text.c_str(), stdout);
  return (*answer)["outcome"]["accepted"].get<bool>() ? 0 : 1;
}

}  // namespace signet::commands
