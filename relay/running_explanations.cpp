#include "relay/running_explanations.hpp"

#include "relay/admin/queue_json.hpp"
#include "relay/destination_key.hpp"
#include "relay/route/diversion.hpp"
#include "relay/smtp/command.hpp"
#include "relay/suspended_delivery.hpp"

namespace signet {
namespace {

using nlohmann::json;

json parsed(const std::vector<std::string>& lines) {
  json list = json::array();
  for (const std::string& line : lines) {
    json fact = json::parse(line, nullptr, false);
    if (fact.is_object()) list.push_back(std::move(fact));
  }
  return list;
}

Mailbox address_in(const json& told, const char* pointer) {
  const auto mailbox = smtp::parse_mailbox(told.value(json::json_pointer(pointer), ""), true);
  return mailbox ? *mailbox : Mailbox{"nobody", *Domain::parse("invalid")};
}

/// What a hypothesis speaks of, as if it were in the queue.
spool::Message message_of(const json& told) {
  spool::Message message;
  message.record.client = told.value(json::json_pointer("/client/name"), "");
  message.record.author_domain = address_in(told, "/author/address").domain.text();
  message.record.envelope.sender = address_in(told, "/sender/address");
  for (const json& recipient : told.at("recipients")) {
    message.state.recipients.push_back(
        {.recipient = {address_in(recipient, "/address"), {}},
         .route = {},
         .pool = recipient.value(json::json_pointer("/pool/name"), ""),
         .last_reply = {}});
  }
  return message;
}

}  // namespace

void RunningExplanations::explain(QueueId id, Done done) {
  loop_.post(
      [this, id, done = std::move(done)]() mutable { scope_.spawn(run(id, std::move(done))); });
}

void RunningExplanations::explain(admin::Hypothesis asked, Done done) {
  loop_.post([this, asked = std::move(asked), done = std::move(done)]() mutable {
    scope_.spawn(run(std::move(asked), std::move(done)));
  });
}

net::Task<void> RunningExplanations::run(admin::Hypothesis asked, Done done) {
  auto told = co_await explainer_.explain(services_.current.get()->settings, std::move(asked));
  if (told) add_state_of_destinations(message_of(*told), *told);
  done(std::move(told));
}

net::Task<void> RunningExplanations::run(QueueId id, Done done) {
  struct Found {
    Result<spool::Message> message;
    std::vector<std::string> facts;
  };
  auto found = co_await net::run_on(
      services_.pool, loop_, [&spool = services_.spool, &log = services_.log, id] {
        return Found{spool.load(id), report::facts_about(log.file(), id)};
      });
  json facts = parsed(found.facts);
  if (!found.message && facts.empty()) {
    done(found.message.failure());
    co_return;
  }
  json told;
  if (found.message) {
    const auto message = std::make_shared<const spool::Message>(std::move(*found.message));
    told = co_await explainer_.explain(services_.current.get()->settings, message);
    told["message"] =
        admin::details_of(*message, services_.in_memory.contains(id), services_.clock.now());
    add_state_of_destinations(*message, told);
  }
  told["id"] = id.to_string();
  told["in_queue"] = found.message.has_value();
  told["facts"] = std::move(facts);
  done(std::move(told));
}

std::string RunningExplanations::suspended(const config::Settings& settings,
                                           const spool::Record& record,
                                           const spool::RecipientState& recipient) const {
  const Suspensions& all = services_.suspensions;
  auto found = suspensions_of(all, record, route::find_pool(settings, recipient.pool));
  auto destination =
      all.find(SuspensionKind::destination, recipient.recipient.address.domain.text());
  if (destination) found.push_back(std::move(*destination));
  std::string words;
  for (const Suspension& each : found) {
    words.append(words.empty() ? "" : "; ").append(name_of(each.kind)).append(" ");
    words.append(each.value).append(each.reason.empty() ? "" : ": ").append(each.reason);
  }
  return words;
}

void RunningExplanations::add_state_of_destinations(const spool::Message& message,
                                                    json& told) const {
  const auto settings = services_.current.get()->settings;
  for (std::size_t i = 0; i < message.state.recipients.size(); ++i) {
    const auto& state = message.state.recipients[i];
    const auto [route, by, is_made] =
        route::route_of(settings, state.rerouted_to, state.recipient.address.domain);
    if (!route) continue;
    const std::string key = destination_key(*route, state.pool, state.recipient.address.domain);
    json& recipient = told["recipients"][i];
    recipient["limits"]["connections_in_use"] = services_.leases.in_use(key);
    if (auto words = suspended(*settings, message.record, state); !words.empty())
      recipient["suspended"] = std::move(words);
    const auto wait = services_.backoff.not_before(key) - services_.clock.steady();
    if (wait.count() > 0)
      recipient["backing_off_seconds"] =
          std::chrono::duration_cast<std::chrono::seconds>(wait).count() + 1;
  }
}

}  // namespace signet
