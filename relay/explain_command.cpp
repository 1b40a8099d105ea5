// `signet explain --from … --to …`: the fate of a message nobody has sent, without a running relay.
#include <cstdio>

#include "relay/commands.hpp"
#include "relay/offline_explainer.hpp"

namespace signet::commands {
namespace {

int complain(const std::string& words, int status) {
  std::fprintf(stderr, "signet explain: %s\n", words.c_str());
  return status;
}

net::Task<void> ask(Explainer& explainer, std::shared_ptr<const config::Settings> settings,
                    admin::Hypothesis asked, Result<nlohmann::json>& answer) {
  answer = co_await explainer.explain(std::move(settings), std::move(asked));
}

}  // namespace

int explain(const ExplainOptions& options) {
  const auto settings = load_or_complain(options.config);
  if (!settings) return 2;
  const auto offline = OfflineExplainer::open(settings);
  if (!offline) return complain(offline.error().detail, 2);
  Result<nlohmann::json> answer = fail(Fault::cancelled);
  (*offline)->run(ask((*offline)->explainer(), settings, options.asked, answer));
  if (!answer) return complain(answer.error().public_text(), 64);
  const std::string text =
      options.json ? answer->dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
                   : admin::explanation_text(*answer);
  std::fputs(text.c_str(), stdout);
  return (*answer)["outcome"]["accepted"].get<bool>() ? 0 : 1;
}

}  // namespace signet::commands
